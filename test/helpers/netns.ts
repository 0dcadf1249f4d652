/**
 * A lab of network namespaces: unique names, veth links, commands inside, and
 * nothing left behind, whatever happens.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execaSync } from 'execa';
import { localMachine } from './local-machine.js';
import { type Done, type Machine, must } from './machine.js';
import { Running } from './running.js';

export type { Done } from './machine.js';

/** One end of a veth link. */
export interface End {
  at: Namespace;
  dev: string;
  /** With prefix length: `10.0.0.1/24`. */
  address?: string;
  mtu?: number;
}

const PREFIX = 'cdf';

// One process of ours for each: most of a test's commands build its network.
// By bash: in a guest `sh` is busybox's, which takes its own `ip` before that of the PATH.
const MAKE_NAMESPACE = `
ip netns add "$1"
exec ip netns exec "$1" bash -ec '
  sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
  ip link set lo up'
`;
/** For each end: namespace, device, address or '', MTU or ''. */
const MAKE_LINK = `
ip link add "$2" netns "$1" type veth peer name "$6" netns "$5"
for end in left right; do
  { [ -z "$3" ] || echo "address add $3 dev $2"
    [ -z "$4" ] || echo "link set $2 mtu $4"
    echo "link set $2 up"
  } | ip -netns "$1" -batch -
  shift 4
done
`;
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

  /** A new namespace with `lo` up and IPv6 off, so that captures hold only what a test sends. */
  async namespace(name: string): Promise<Namespace> {
    const namespace = new Namespace(this, `${this.#tag}-${name}`);
    this.#namespaces.push(namespace);
    await must(this.machine, ['bash', '-ec', MAKE_NAMESPACE, 'bash', namespace.name]);
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
    const end = ({ at, dev, address = '', mtu }: End): string[] => [at.name, dev, address, String(mtu ?? '')];
    await must(this.machine, ['bash', '-ec', MAKE_LINK, 'bash', ...end(left), ...end(right)]);
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
