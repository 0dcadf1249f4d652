/**
 * A lab of network namespaces: unique names, veth links, commands inside, and
 * nothing left behind, whatever happens.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa, execaSync } from 'execa';
import { Running } from './running.js';

/** One end of a veth link. */
export interface End {
  at: Namespace;
  dev: string;
  /** With prefix length: `10.0.0.1/24`. */
  address?: string;
  mtu?: number;
}

/** What a command left: like execa's result, only what tests read. */
export interface Done {
  stdout: string;
  stderr: string;
  exitCode: number | undefined;
}

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

  /** Runs a command inside. @throws execa's error, with the command's words, when it fails */
  async exec(command: string, args: readonly string[] = [], timeout = 60_000): Promise<string> {
    const { stdout } = await execa('ip', ['netns', 'exec', this.name, command, ...args], { timeout, stdin: 'ignore' });
    return stdout;
  }

  /** Runs a command inside and returns how it ended, good or bad. */
  async try(
    command: string,
    args: readonly string[] = [],
    timeout = 60_000,
    environment: Record<string, string> = {},
  ): Promise<Done> {
    const { stdout, stderr, exitCode } = await execa('ip', ['netns', 'exec', this.name, command, ...args], {
      timeout,
      stdin: 'ignore',
      reject: false,
      env: environment,
    });
    return { stdout, stderr, exitCode };
  }

  /** Starts a command inside; it is killed with the lab at the latest. */
  spawn(command: string, args: readonly string[] = [], environment: Record<string, string> = {}): Running {
    const running = new Running('ip', ['netns', 'exec', this.name, command, ...args], environment);
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
    const { stdout } = await execa('ip', ['-netns', this.name, ...args], { stdin: 'ignore' });
    return stdout;
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

  private constructor() {}

  /** @throws Error when not root */
  static async create(): Promise<Lab> {
    if (process.getuid?.() !== 0) throw new Error('network namespaces need root');
    if (!swept) {
      swept = true;
      sweep();
      process.on('exit', () => {
        for (const lab of living) lab.destroy();
      });
    }
    const lab = new Lab();
    living.add(lab);
    return lab;
  }

  /** A new namespace with `lo` up and IPv6 off, so that captures hold only what a test sends. */
  async namespace(name: string): Promise<Namespace> {
    const namespace = new Namespace(this, `${this.#tag}-${name}`);
    await execa('ip', ['netns', 'add', namespace.name]);
    this.#namespaces.push(namespace);
    await namespace.sysctl({ 'net.ipv6.conf.all.disable_ipv6': 1, 'net.ipv6.conf.default.disable_ipv6': 1 });
    await namespace.ip('link', 'set', 'lo', 'up');
    return namespace;
  }

  /** The namespace made as `name`. */
  at(name: string): Namespace {
    const found = this.#namespaces.find((one) => one.name === `${this.#tag}-${name}`);
    if (found === undefined) throw new Error(`this lab has no namespace ${name}`);
    return found;
  }

  /** A veth link; both ends up. */
  async link(left: End, right: End): Promise<void> {
    const end = ({ at, dev }: End): string[] => [dev, 'netns', at.name];
    await execa('ip', ['link', 'add', ...end(left), 'type', 'veth', 'peer', 'name', ...end(right)]);
    for (const { at, dev, address, mtu } of [left, right]) {
      if (address !== undefined) await at.ip('address', 'add', address, 'dev', dev);
      if (mtu !== undefined) await at.ip('link', 'set', dev, 'mtu', String(mtu));
      await at.ip('link', 'set', dev, 'up');
    }
  }

  /** A private folder for captures and logs, gone with the lab. */
  async scratch(): Promise<string> {
    this.#scratch ??= mkdtempSync(path.join(tmpdir(), `${this.#tag}-`));
    return this.#scratch;
  }

  adopt(running: Running): void {
    this.#running.push(running);
  }

  /** Names of this lab's namespaces that the kernel still lists. */
  remaining(): string[] {
    return namespaceNames().filter((name) => name.startsWith(`${this.#tag}-`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running) running.kill('SIGKILL');
    await Promise.all(this.#running.map(({ end }) => end));
    this.destroy();
  }

  /** The last resort, synchronous: for a process that is about to end. */
  destroy(): void {
    living.delete(this);
    for (const running of this.#running) running.kill('SIGKILL');
    for (const name of this.#namespaces.splice(0).map(({ name }) => name)) remove(name);
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

/** Ends what still runs inside (children that a program left behind), then the namespace. */
function remove(name: string): void {
  const { stdout } = execaSync('ip', ['netns', 'pids', name], { reject: false });
  for (const pid of stdout.split(/\s+/).filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  execaSync('ip', ['netns', 'delete', name], { reject: false });
}

/** Removes namespaces and folders whose lab's process was killed before it could. */
function sweep(): void {
  const isStale = (name: string): boolean => {
    const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
    return pid !== undefined && !alive(Number(pid));
  };
  for (const name of namespaceNames().filter(isStale)) remove(name);
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
