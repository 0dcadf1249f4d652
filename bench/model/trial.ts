/** One trial for the model: sends, and tells what a packet cost. */
import { readThreads } from '../../src/host/bench/clocks.js';
import { NOBODY_MAC } from '../../src/host/bench/ring.js';
import type { Snapshot } from '../../src/report/snapshot.js';
import { clearDf } from '../../test/helpers/clear-df.js';
import type { Network } from '../lab/network.js';
import { contender as contenderOf } from '../contenders/table.js';
import { runCell } from '../loads/cell.js';
import { send, type Sending } from '../loads/send.js';
import { Ring } from '../loads/ring.js';
import type { Outcome } from '../loads/spent.js';
import { LOADS } from '../record/catalogue.js';
import { lostShare, packetsPerSecond } from '../record/measures.js';
import type { ModelPoint, Trial } from '../record/model.js';

/** Enough flows that two queues get about the same. */
const FLOWS = 16;
/** Less than the receive buffer holds, of any size. */
const BACKLOG = 16_000;

/** Batches that a contender had taken after its last trial; none when it was started. */
const taken = new WeakMap<Ring, number>();

/** Batches that clear-df has taken since the last call. */
async function batchesOf(ring: Ring): Promise<number> {
  const { stdout, stderr, exitCode } = await clearDf(ring.network.router, ['stats', '--json']);
  if (exitCode !== 0) throw new Error(`clear-df stats failed (${exitCode}): ${stderr}`);
  const { batches } = (JSON.parse(stdout) as Snapshot).totals;
  const before = taken.get(ring) ?? 0;
  taken.set(ring, batches);
  return batches - before;
}

function pointOf({ use, way, length, df, queues }: Trial, round: number, outcome: Outcome): ModelPoint {
  const { datagrams } = outcome;
  if (datagrams?.sending === undefined) throw new Error('the sender did not say how long it took');
  return {
    ...{ use, way, length, df: df / 100, queues, round },
    receiving: (1e9 * datagrams.sending) / datagrams.sent,
    rate: way === 'send' ? datagrams.sent / datagrams.sending : (packetsPerSecond(outcome) ?? 0),
    lost: way === 'send' ? 0 : (lostShare(outcome) ?? 0),
  };
}

/**
 * Runs it in a ring that stands.
 * @param rate packets a second; 0 for as many as go
 * @throws Error when the contender ended
 */
export async function runTrial(
  ring: Ring,
  trial: Trial,
  round: number,
  seconds: number,
  rate = 0,
): Promise<ModelPoint> {
  const { length, df, way, use } = trial;
  const load: Sending = {
    ...{ length, df, seconds, rate, flows: FLOWS },
    ...(way === 'send' ? { mac: NOBODY_MAC } : {}),
    ...(use === 'backlog' ? { backlog: true, count: BACKLOG } : {}),
  };
  const sleeps = ring.pid === undefined ? 0 : readThreads(ring.pid).sleeps;
  const outcome = await send(ring, load);
  if (outcome.ended !== undefined) throw new Error(`it ended: ${outcome.ended.reason}`);
  const point = pointOf(trial, round, outcome);
  const answered = outcome.datagrams?.handled ?? 0;
  if (ring.pid === undefined || answered === 0) return point;
  point.clearing = (1e9 * (outcome.cpu.contender ?? 0)) / answered;
  point.wakes = (readThreads(ring.pid).sleeps - sleeps) / answered;
  point.batches = (await batchesOf(ring)) / answered;
  return point;
}

/**
 * Runs one at a pace: what it costs, and, apart from that, because looking takes time too, its latency.
 * @param capacity packets a second that it is a share of
 */
export async function runPace(
  network: Network,
  trial: Trial,
  round: number,
  seconds: number,
  capacity: number,
): Promise<ModelPoint> {
  const { pace = 'full', length } = trial;
  const load = LOADS.find(({ name }) => name === `pace-${pace}`);
  if (load?.kind !== 'datagrams' || load.length !== length) throw new Error(`no load at a pace of ${pace}`);
  const contender = contenderOf(trial.contender);
  const rate = pace === 'full' ? 0 : Math.max(1, Math.round((capacity * pace) / 100));
  const ring = await Ring.enter(network, contender);
  let point: ModelPoint;
  try {
    point = await runTrial(ring, trial, round, seconds, rate);
  } finally {
    await ring.leave();
  }
  const { latency } = await runCell(network, contender, load, rate, seconds);
  return { ...point, pace, ...(latency === undefined ? {} : { latency }) };
}
