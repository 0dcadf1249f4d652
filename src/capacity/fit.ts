/** The costs behind what was measured. Pure. */
import { type Costs, isWorthPauses } from './cost.js';
import { leastSquares, type Row } from './least-squares.js';

/** What stood in the router: nothing (`none`), a rule that only looks (`prefilter`), the fast path, a queue; or the packets
 * were addressed to another host, and it dropped them as they came (`send`). */
export type Way = 'send' | 'none' | 'prefilter' | 'fast-path' | 'clear-df';

/** A measurement: packets of one size, as fast as one core sends them and takes them in. */
export interface Point {
  way: Way;
  /** Bytes, IP header included. */
  length: number;
  /** Share of the packets with DF set, 0 to 1. */
  df: number;
  /** Nanoseconds of the core that sent and received, for each packet. */
  receiving: number;
  /** Of clear-df: nanoseconds of its threads for each packet that they answered. */
  clearing?: number;
  /** Of clear-df: how often its threads slept, for each packet that they answered. */
  wakes?: number;
  /** Of those, the ones that the receiving core brought about, and not a timer. */
  woken?: number;
  /** Of clear-df: how many batches they took, for each packet that they answered. */
  batches?: number;
  /** Packets a second that came through. */
  rate: number;
}

/** Of a point's wakes, those that the receiving core brought about: a thread that pauses is woken by its timer. */
export function wokenOf({ rate, df }: Pick<Point, 'rate' | 'df'>, wakes: number): number {
  return isWorthPauses(rate * df) ? 0 : wakes;
}

type Unknown =
  | ('send' | 'sendByte' | 'forward' | 'forwardByte' | 'queue' | 'queueByte' | 'clear' | 'clearByte')
  | ('match' | 'look' | 'fastPath' | 'batching' | 'wake' | 'waking');

const RECEIVING = [
  'send',
  'sendByte',
  'forward',
  'forwardByte',
  'match',
  'look',
  'fastPath',
  'queue',
  'queueByte',
  'batching',
  'waking',
] as const;
// A thread sleeps behind every batch that is not full: the cost of the batch and that of waking up cannot be separated.
const CLEARING = ['clear', 'clearByte', 'wake'] as const;

/** How many times each cost of the receiving core is in a packet of the point. */
export function receivingFactors({ way, length, df, batches = 0, woken = 0 }: Point): Row<Unknown>['factors'] {
  const queued = way === 'clear-df' ? df : 0;
  const forwarded = way === 'send' ? 0 : 1 - queued;
  const unmatched = way === 'prefilter' ? 1 : way === 'clear-df' ? 1 - df : 0;
  const seen = way === 'fast-path' ? 1 : 0;
  return {
    ...{ send: 1, sendByte: length, forward: forwarded, forwardByte: forwarded * length },
    ...{ match: unmatched, look: seen * (1 - df), fastPath: seen * df },
    ...{ queue: queued, queueByte: queued * length },
    ...{ batching: queued * batches, waking: queued * woken },
  };
}

/** Those of the thread, in a packet that it answered. */
export function clearingFactors({ length, wakes = 0 }: Point): Row<Unknown>['factors'] {
  return { clear: 1, clearByte: length, wake: wakes };
}

/** Fits all points at once. @throws RangeError when a measured time is not greater than 0 */
export function fit(points: readonly Point[]): Costs {
  const receiving = leastSquares<Unknown>(
    points.map((point) => ({ factors: receivingFactors(point), value: point.receiving })),
    RECEIVING,
  );
  const clearing = leastSquares<Unknown>(
    points.flatMap((point) =>
      point.clearing === undefined ? [] : [{ factors: clearingFactors(point), value: point.clearing }],
    ),
    CLEARING,
  );
  return {
    send: { fixed: receiving.send, perByte: receiving.sendByte },
    forward: { fixed: receiving.forward, perByte: receiving.forwardByte },
    match: receiving.match,
    look: receiving.look,
    fastPath: receiving.fastPath,
    queue: { fixed: receiving.queue, perByte: receiving.queueByte },
    clear: { fixed: clearing.clear, perByte: clearing.clearByte },
    wake: clearing.wake,
    batching: receiving.batching,
    waking: receiving.waking,
  };
}
