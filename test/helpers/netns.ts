/**
 * A lab of network namespaces: unique names, veth links, commands inside, and
 * nothing left behind, whatever happens.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execaSync } from 'execa';
import { localMachine } from './local-machine.js';
import { type Done, type Machine, must } from './machine.js';
import { type End, linkScript, type Made, networkScript } from './network-script.js';
import { Running } from './running.js';

export type { Done } from './machine.js';

const PREFIX = 'cdf';
const living = new Set<Lab>();
let swept = false;

/** One network namespace of a lab. */
export class Namespace {
  constructor(
    readonly lab: Lab,
    /** As `ip netns` shows it. */
    readonly name: string,
  ) {}

  /** On which it is. */
  get machine(): Machine {
    return this.lab.machine;
  }

  #inside(command: string, args: readonly string[]): string[] {
    return ['ip', 'netns', 'exec', this.name, command, ...args];
  }

  /** Runs a command inside. @throws CommandError, with the command's words, when it fails */
  async exec(command: string, args: readonly string[] = [], timeout?: number): Promise<string> {
    return must(this.machine, this.#inside(command, args), { timeout });
  }

  /** Runs a command inside and returns how it ended, good or bad. */
  async try(
    command: string,
    args: readonly string[] = [],
    timeout?: number,
    environment: Record<string, string> = {},
  ): Promise<Done> {
    return this.machine.run(this.#inside(command, args), { timeout, env: environment });
  }

  /** Runs a command inside that reads `text`. @throws CommandError when it fails */
  async feed(text: string, command: string, args: readonly string[] = []): Promise<string> {
    return must(this.machine, this.#inside(command, args), { input: text });
  }

  /** Starts a command inside; it is killed with the lab at the latest. */
  spawn(command: string, args: readonly string[] = [], environment: Record<string, string> = {}): Running {
    const running = new Running(this.machine, this.#inside(command, args), environment);
    this.lab.adopt(running);
    return running;
  }

  /** The text of a file as a process inside sees it (`/proc/net` differs per namespace). */
  async read(file: string): Promise<string> {
    return this.exec('cat', [file]);
  }

  /** Sets kernel parameters, dotted names. */
  async sysctl(values: Record<string, number | string>): Promise<void> {
    await this.exec('sysctl', ['-qw', ...Object.entries(values).map(([key, value]) => `${key}=${value}`)]);
  }

  async ip(...args: string[]): Promise<string> {
    return must(this.machine, ['ip', '-netns', this.name, ...args]);
  }

  /** Switches offloads of a device: `offload('eth0', { tso: false, gso: false })`. */
  async offload(dev: string, features: Record<string, boolean>): Promise<void> {
    const switches = Object.entries(features).flatMap(([feature, on]) => [feature, on ? 'on' : 'off']);
    await this.exec('ethtool', ['-K', dev, ...switches]);
  }
}

/** Namespaces that live and die together. */
export class Lab {
  readonly #tag = `${PREFIX}-${process.pid}-${randomBytes(3).toString('hex')}`;
  readonly #namespaces: Namespace[] = [];
  readonly #running: Running[] = [];
  #scratch: string | undefined;

  private constructor(readonly machine: Machine) {}

  /** A lab on this machine, or in a guest. @throws Error when not root here */
  static async create(machine: Machine = localMachine): Promise<Lab> {
    if (machine !== localMachine) return new Lab(machine);
    if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
    if (!swept) {
      swept = true;
      sweep();
      ownXtablesLock();
      process.on('exit', () => {
        for (const lab of living) lab.destroy();
      });
    }
    const lab = new Lab(machine);
    living.add(lab);
    return lab;
  }

  /** Namespaces with `lo` up and IPv6 off, and veth links between them, both ends up. */
  async build<Name extends string>(
    namespaces: Record<Name, Made>,
    links: readonly (readonly [End<Name>, End<Name>])[] = [],
  ): Promise<Record<Name, Namespace>> {
    const full = (name: string) => `${this.#tag}-${name}`;
    const made = Object.keys(namespaces).map((name) => [name, new Namespace(this, full(name))] as const);
    this.#namespaces.push(...made.map(([, namespace]) => namespace));
    const named = Object.entries<Made>(namespaces).map(([name, how]) => [full(name), how] as const);
    const ends = links.map(
      ([left, right]) =>
        [
          { ...left, at: full(left.at) },
          { ...right, at: full(right.at) },
        ] as const,
    );
    await must(this.machine, ['bash', '-ec', networkScript(Object.fromEntries(named), ends)]);
    return Object.fromEntries(made) as Record<Name, Namespace>;
  }

  /** One namespace more. */
  async namespace(name: string): Promise<Namespace> {
    return (await this.build({ [name]: {} }))[name] as Namespace;
  }

  /** The namespace made as `name`. */
  at(name: string): Namespace {
    const found = this.#namespaces.find((one) => one.name === `${this.#tag}-${name}`);
    if (found === undefined) throw new Error(`this lab has no namespace ${name}`);
    return found;
  }

  /** A veth link between namespaces that are there; both ends up. */
  async link(left: End<Namespace>, right: End<Namespace>): Promise<void> {
    const ends = [
      { ...left, at: left.at.name },
      { ...right, at: right.at.name },
    ] as const;
    await must(this.machine, ['bash', '-ec', linkScript(ends)]);
  }

  /** A private folder on the lab's machine for captures and logs, gone with the lab. */
  async scratch(): Promise<string> {
    this.#scratch ??= await this.machine.scratch(`${this.#tag}-`);
    return this.#scratch;
  }

  adopt(running: Running): void {
    this.#running.push(running);
  }

  /** Names of this lab's namespaces that the kernel still lists. */
  remaining(): string[] {
    if (this.machine !== localMachine) throw new Error('only of this machine: ask guest.namespaces()');
    return namespaceNames().filter((name) => name.startsWith(`${this.#tag}-`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running) running.kill('SIGKILL');
    // What a program has left behind holds its output open, which its end waits for.
    if (this.machine === localMachine) endInside(this.#namespaces.map(({ name }) => name));
    await Promise.all(this.#running.map(({ end }) => end));
    if (this.machine === localMachine) this.destroy();
    else await this.#clearGuest();
  }

  /** Puts a guest back for the next lab; its end would do, too. */
  async #clearGuest(): Promise<void> {
    for (const { name } of this.#namespaces.splice(0)) {
      const { stdout } = await this.machine.run(['ip', 'netns', 'pids', name]);
      const pids = stdout.split(/\s+/).filter(Boolean);
      if (pids.length > 0) await this.machine.run(['kill', '-9', ...pids]);
      await this.machine.run(['ip', 'netns', 'delete', name]);
    }
    if (this.#scratch !== undefined) await this.machine.remove(this.#scratch);
  }

  /** The last resort, synchronous: for a process that is about to end. */
  destroy(): void {
    living.delete(this);
    for (const running of this.#running) running.kill('SIGKILL');
    remove(this.#namespaces.splice(0).map(({ name }) => name));
    if (this.#scratch !== undefined) rmSync(this.#scratch, { recursive: true, force: true });
  }
}

function namespaceNames(): string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}

/** Ends what still runs inside: children that a program left behind. */
function endInside(names: readonly string[]): void {
  const inodes = new Set(names.flatMap(inodeOf));
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (inodes.has(readlinkSync(`/proc/${pid}/ns/net`))) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
}

/** Ends what still runs inside, then the namespaces. */
function remove(names: readonly string[]): void {
  if (names.length === 0) return;
  endInside(names);
  const input = names.map((name) => `netns delete ${name}\n`).join('');
  execaSync('ip', ['-force', '-batch', '-'], { input, reject: false });
}

/** As a process's `ns/net` names it; none where it has gone. */
function inodeOf(name: string): string[] {
  const found = statSync(path.join('/run/netns', name), { throwIfNoEntry: false });
  return found === undefined ? [] : [`net:[${found.ino}]`];
}

/**
 * iptables-legacy has one lock for all namespaces, and gives up at once where another holds it. Test files run side by
 * side, each in namespaces of its own: each has a lock of its own as well. What a test starts inherits it.
 */
function ownXtablesLock(): void {
  const file = path.join(tmpdir(), `${PREFIX}-${process.pid}-xtables.lock`);
  process.env['XTABLES_LOCKFILE'] = file;
  process.on('exit', () => rmSync(file, { force: true }));
}

/** Removes namespaces and folders whose lab's process was killed before it could. */
function sweep(): void {
  const isStale = (name: string): boolean => {
    const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
    return pid !== undefined && !alive(Number(pid));
  };
  remove(namespaceNames().filter(isStale));
  for (const name of readdirSync(tmpdir()).filter(isStale)) {
    rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
