/** Runs a trial in the ring, and reads what it cost. */
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { ClearDfError } from '../../errors.js';
import { type Child, startChild } from '../../host/bench/child.js';
import { readThreads, type ThreadClocks } from '../../host/bench/clocks.js';
import type { Pair } from '../../host/bench/cores.js';
import { DESTINATION, NOBODY_MAC, type Ring, ROUTER_MAC, SOURCE } from '../../host/bench/ring.js';
import type { Runner } from '../../host/exec.js';
import { waitingWith } from '../../host/bench/waiting.js';
import { type Point, wokenOf } from '../../capacity/fit.js';
import type { NativeSend, NativeSent } from '../../native.js';
import { isSingle, PART } from '../../native/single.js';
import type { Snapshot } from '../../report/snapshot.js';
import type { Trial } from './trials.js';

export interface Measuring {
  runner: Runner;
  ring: Ring;
  pair: Pair;
  /** Seconds that each trial is sent. */
  seconds: number;
  /** Ends whatever runs. */
  signal: AbortSignal;
  /** What node starts as clear-df's command line. */
  main: readonly string[];
}

/** What starts send.ts; its file stands beside this one, also where the command is joined. */
export const SENDER: readonly string[] = isSingle()
  ? [PART, 'send']
  : [path.join(import.meta.dirname, `send${path.extname(import.meta.filename)}`)];

/** What clear-df runs with in the ring: its own rules, every packet that is forwarded, and all of them by the queue. */
export const RUN_WORDS = [
  ...['run', '--queue', '0', '--install-rules', '--name', 'bench', '--forwarded'],
  ...['--in-dev', 'eth0', '--larger-than', '68', '--fast-path', 'off'],
];

/** Sixteen sources: as many as a link has at least that is worth the question. */
const FLOWS = 16;
/** What waits in the queue is answered within this time, or something is wrong. */
const DRAIN_MS = 10_000;
const POLL_MS = 5;

/** clear-df in the router, with its rules in place. */
export class Daemon {
  private constructor(
    private readonly measuring: Measuring,
    private readonly child: Child,
    /** As of the last reading. */
    private counted: Snapshot['totals'],
  ) {}

  /** @throws ClearDfError of clear-df itself, when it cannot run there */
  static async start(measuring: Measuring): Promise<Daemon> {
    const { ring, pair, main, signal } = measuring;
    const options = { namespace: ring.router, core: pair.clearing, name: 'clear-df in the router', signal };
    const child = startChild(options, [...main, ...RUN_WORDS]);
    await child.says(/clear-df is running/);
    return new Daemon(measuring, child, await readTotals(measuring));
  }

  clocks(): ThreadClocks {
    return readThreads(this.child.pid);
  }

  /** Counters since the last call. */
  async grown(): Promise<{ verdicts: number; cleared: number; batches: number }> {
    const [before, after] = [this.counted, await readTotals(this.measuring)];
    this.counted = after;
    return {
      verdicts: after.verdicts - before.verdicts,
      cleared: after.cleared - before.cleared,
      batches: after.batches - before.batches,
    };
  }

  /** Seconds until no packet waits for a verdict. @throws ClearDfError when some still do after {@link DRAIN_MS} */
  async drained(): Promise<number> {
    const start = performance.now();
    for (;;) {
      const now = performance.now();
      if (waitingWith(this.child.pid) === 0) return (now - start) / 1000;
      if (now - start > DRAIN_MS) {
        const reason = `packets wait ${DRAIN_MS / 1000} s after the last was sent`;
        throw new ClearDfError({ code: 'RUNTIME', operation: 'empty', object: 'queue 0 of the router', reason });
      }
      await pause(POLL_MS);
    }
  }

  stop(): Promise<void> {
    return this.child.stop();
  }
}

async function readTotals({ runner, ring, main }: Measuring): Promise<Snapshot['totals']> {
  const words = ['netns', 'exec', ring.router, process.execPath, ...main, 'stats', '--json'];
  return (JSON.parse(await runner.query('ip', words)) as Snapshot).totals;
}

/** What the sender is asked for. */
export function requestOf({ way, length, df }: Trial, seconds: number): NativeSend {
  return {
    ...{ device: 'eth0', mac: way === 'send' ? NOBODY_MAC : ROUTER_MAC, source: SOURCE, destination: DESTINATION },
    ...{ length, df, milliseconds: Math.round(1000 * seconds), rate: 0, flows: FLOWS },
  };
}

/**
 * Sends, waits until all is answered, and returns what a packet cost.
 * @param daemon clear-df, for the trials that have one
 * @throws ClearDfError also when packets with DF came through uncleared
 */
export async function measure(measuring: Measuring, trial: Trial, daemon: Daemon | undefined): Promise<Point> {
  const { ring, pair, seconds, signal } = measuring;
  const before = daemon?.clocks();
  const options = { namespace: ring.sender, core: pair.receiving, name: 'the sender', signal };
  const sender = startChild(options, [...SENDER, JSON.stringify(requestOf(trial, seconds))]);
  const { sent, seconds: sending } = JSON.parse(await sender.line()) as NativeSent;
  const late = (await daemon?.drained()) ?? 0;
  const after = daemon?.clocks();
  await sender.end();
  const { way, length } = trial;
  const df = trial.df / 100;
  const receiving = (1e9 * sending) / sent;
  const grown = await daemon?.grown();
  const point: Point = { way, length, df, receiving, rate: sent / sending };
  if (before === undefined || after === undefined || grown === undefined) return point;
  if (grown.cleared < grown.verdicts || (df > 0 && grown.verdicts === 0)) {
    const reason = `${grown.verdicts} packets came to the queue, ${grown.cleared} left it with DF cleared`;
    throw new ClearDfError({
      code: 'RUNTIME',
      operation: 'measure',
      object: 'clear-df',
      reason,
      hint: 'clear-df doctor',
    });
  }
  point.rate = (sent * (1 - df) + grown.verdicts) / (sending + late);
  if (df === 0) return point;
  const { verdicts, batches } = grown;
  point.clearing = (after.nanoseconds - before.nanoseconds) / verdicts;
  point.batches = batches / verdicts;
  point.wakes = (after.sleeps - before.sleeps) / verdicts;
  point.woken = wokenOf(point, point.wakes);
  return point;
}
