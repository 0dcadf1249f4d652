/** clear-df itself, as a test runs it inside a namespace: the built command line, nothing else. */
import path from 'node:path';
import type { Snapshot } from '../../src/report/snapshot.js';
import { queue } from './kernel.js';
import type { Done, Namespace } from './netns.js';
import type { Ended, Running } from './running.js';
import { PROJECT } from './tools.js';
import { until } from './until.js';

/** The built command line: `node MAIN …`. */
export const MAIN = path.join(PROJECT, 'dist/esm/cli/main.js');

/** Runs one command of clear-df to its end. */
export async function clearDf(at: Namespace, args: readonly string[]): Promise<Done> {
  return at.try(process.execPath, [MAIN, ...args]);
}

/** A running `clear-df run`. */
export class Daemon {
  constructor(
    readonly at: Namespace,
    readonly running: Running,
    /** The queues, without the companion. */
    readonly queues: readonly number[],
  ) {}

  /** A reading of everything it knows of itself, through its own `/stats`. */
  async stats(): Promise<Snapshot> {
    const { stdout, stderr, exitCode } = await clearDf(this.at, ['stats', '--json']);
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

export interface DaemonOptions {
  /** Pin every thread to this core. */
  cpu?: number;
  /** Give way to other processes: 0–19. */
  nice?: number;
}

/** Starts `clear-df run --queue …` and waits until the kernel shows every queue held and `/stats` answers. */
export async function startClearDf(
  at: Namespace,
  queues: string,
  args: readonly string[] = [],
  options: DaemonOptions = {},
): Promise<Daemon> {
  const command = [process.execPath, MAIN, 'run', '--queue', queues, ...args];
  const { cpu, nice } = options;
  const pinned = [
    ...(cpu === undefined ? [] : ['taskset', '-c', String(cpu)]),
    ...(nice === undefined ? [] : ['nice', '-n', String(nice)]),
    ...command,
  ];
  const running = at.spawn(pinned[0] as string, pinned.slice(1));
  const [first, last = first] = queues.split(':').map(Number) as [number, number?];
  const numbers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const daemon = new Daemon(at, running, numbers);
  await until(`clear-df answers in ${at.name}`, async () => {
    if (running.ended) throw new Error(`clear-df ended (${running.ended.exitCode}): ${running.stderr}`);
    for (const number of numbers) if ((await queue(at, number)) === undefined) return undefined;
    return (await clearDf(at, ['stats', '--json'])).exitCode === 0;
  });
  return daemon;
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
