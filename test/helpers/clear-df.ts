/** clear-df itself, as a test runs it inside a namespace: the built command line, nothing else. */
import type { Snapshot } from '../../src/report/snapshot.js';
import { queues as heldQueues } from './kernel.js';
import { localMachine } from './local-machine.js';
import type { Done, Namespace } from './netns.js';
import type { Ended, Running } from './running.js';
import { until } from './until.js';

/** The built command line on this machine: `node MAIN …`. */
export const MAIN = localMachine.main;

/** How clear-df is called where the namespace is: `node …/main.js`. */
export function commandOf({ machine }: Namespace): [string, string] {
  return [machine.node, machine.main];
}

/** Runs one command of clear-df to its end. */
export async function clearDf(at: Namespace, args: readonly string[], timeout?: number): Promise<Done> {
  const [node, main] = commandOf(at);
  return at.try(node, [main, ...args], timeout);
}

/** Where `--metrics` is left out. */
const STATS_PORT = 9857;

/** A running `clear-df run`. */
export class Daemon {
  constructor(
    readonly at: Namespace,
    readonly running: Running,
    /** The queues, without the companion. */
    readonly queues: readonly number[],
    /** Of its statistics, on 127.0.0.1. */
    readonly port = STATS_PORT,
  ) {}

  /** A reading of everything it knows of itself, through its own `/stats`. */
  async stats(): Promise<Snapshot> {
    const { stdout, stderr, exitCode } = await readStats(this.at, this.port);
    if (exitCode !== 0) throw new Error(`clear-df stats failed (${exitCode}): ${stderr}\n${this.running.stderr}`);
    return JSON.parse(stdout) as Snapshot;
  }

  /** Waits until no packet waits for a verdict and the counters stand still, and returns them. */
  async settledStats(): Promise<Snapshot> {
    let last = await this.stats();
    return until('the queues are empty and the counters stand still', async () => {
      const now = await this.stats();
      const still = JSON.stringify(now.totals) === JSON.stringify(last.totals);
      const empty = now.queues.every(({ kernel }) => kernel.state === 'held' && kernel.waiting === 0);
      last = now;
      return still && empty ? now : undefined;
    });
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    return this.running.stop(signal);
  }
}

/**
 * Prints the body of the daemon's /stats, which is what `clear-df stats --json` prints, without the third of a second,
 * in a guest seconds, that Node needs to start. (The wget of Debian's static busybox dies by SIGSEGV.)
 */
const READ_STATS =
  "exec 3<>/dev/tcp/127.0.0.1/$0 && printf 'GET /stats HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n\\r\\n' >&3 && sed '1,/^\\r*$/d' <&3";

/** The daemon's `/stats` in this namespace; an exit code other than 0 where nobody answers. */
export async function readStats(at: Namespace, port = STATS_PORT): Promise<Done> {
  const { stdout, stderr, exitCode } = await at.try('bash', ['-c', READ_STATS, String(port)], 10_000);
  return { stdout, stderr, exitCode: stdout.startsWith('{') ? exitCode : (exitCode ?? 1) || 1 };
}

/** Emulation is slow, and a loaded host slower still. */
const GUEST_START_MS = 120_000;

export interface DaemonOptions {
  /** Pin every thread to this core. */
  cpu?: number;
  /** Give way to other processes: 0–19. */
  nice?: number;
  environment?: Record<string, string>;
  /** On 127.0.0.1, where `args` say so. */
  port?: number;
}

/**
 * Of rules of its own, what all tests but those of the fast path are about is the queue: it gets every packet unless the
 * arguments say otherwise.
 */
function byQueue(args: readonly string[]): readonly string[] {
  return args.includes('--install-rules') && !args.includes('--fast-path') ? ['--fast-path', 'off'] : [];
}

/** Starts `clear-df run --queue …` and waits until it runs, the kernel shows every queue held, and `/stats` answers. */
export async function startClearDf(
  at: Namespace,
  queues: string,
  args: readonly string[] = [],
  options: DaemonOptions = {},
): Promise<Daemon> {
  const command = [...commandOf(at), 'run', '--queue', queues, ...args, ...byQueue(args)];
  const { cpu, nice, environment, port } = options;
  const pinned = [
    ...(cpu === undefined ? [] : ['taskset', '-c', String(cpu)]),
    ...(nice === undefined ? [] : ['nice', '-n', String(nice)]),
    ...command,
  ];
  const running = at.spawn(pinned[0] as string, pinned.slice(1), environment);
  const [first, last = first] = queues.split(':').map(Number) as [number, number?];
  const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const limit = at.machine === localMachine ? undefined : GUEST_START_MS;
  // The last that it does: its rules are there.
  await running.says(/clear-df is running/, limit);
  await until('the kernel shows its queues held', async () => {
    const held = new Set((await heldQueues(at)).map((line) => line.queue));
    return numbers.every((number) => held.has(number));
  });
  await until(`clear-df answers in ${at.name}`, async () => (await readStats(at, port)).exitCode === 0, limit);
  return new Daemon(at, running, numbers, port);
}

/** The rule of someone else's firewall that feeds the queue: what a bare `--queue` relies on. */
export async function foreignRule(
  at: Namespace,
  options: { chain?: string; match?: string[]; queue?: string[] } = {},
): Promise<void> {
  const { chain = 'PREROUTING', match = [], queue: target = ['--queue-num', '0'] } = options;
  await at.exec('iptables', [
    ...['-t', 'mangle', '-A', chain, ...match],
    ...['-m', 'comment', '--comment', 'foreign', '-j', 'NFQUEUE', ...target, '--queue-bypass'],
  ]);
}

/** Matches packets with DF set only. */
export const DF_SET = ['-m', 'u32', '--u32', '4&0x4000=0x4000'];
/** Matches packets that are not for the router itself. */
export const IN_TRANSIT = ['-m', 'addrtype', '!', '--dst-type', 'LOCAL'];
