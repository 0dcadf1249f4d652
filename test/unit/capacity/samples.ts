/** Costs that no machine has, and points that come of them. */
import { only, perPacket, type Costs, type Pace } from '../../../src/capacity/cost.js';
import { clearingFactors, type Point, receivingFactors, type Way } from '../../../src/capacity/fit.js';

export const COSTS: Costs = {
  send: { fixed: 1200, perByte: 0.05 },
  forward: { fixed: 1000, perByte: 0.1 },
  match: 100,
  look: 50,
  fastPath: 200,
  queue: { fixed: 1500, perByte: 0.3 },
  clear: { fixed: 3000, perByte: 0.2 },
  wake: 6000,
  batching: 500,
  waking: 4000,
};

/** What the costs amount to, exactly. */
export function pointOf(
  way: Way,
  length: number,
  df: number,
  pace: Pace = { batches: 1 / 64, wakes: 0, woken: 0 },
): Point {
  const bare: Point = { way, length, df, receiving: 0, rate: 1, ...(way === 'clear-df' ? pace : {}) };
  const { send, forward, queue, clear, match, look, fastPath, wake, batching, waking } = COSTS;
  const values: Record<string, number> = {
    ...{ send: send.fixed, sendByte: send.perByte, forward: forward.fixed, forwardByte: forward.perByte, match },
    ...{ look, fastPath },
    ...{ queue: queue.fixed, queueByte: queue.perByte, clear: clear.fixed, clearByte: clear.perByte },
    ...{ wake, batching, waking },
  };
  const sum = (factors: Readonly<Record<string, number | undefined>>): number =>
    Object.entries(factors).reduce((total, [name, factor = 0]) => total + factor * (values[name] as number), 0);
  const point: Point = { ...bare, receiving: sum(receivingFactors(bare)) };
  if (way === 'clear-df' && df > 0) point.clearing = sum(clearingFactors(bare));
  return point;
}

/** Enough of them that every cost can be told. */
export function somePoints(): Point[] {
  const paces: Pace[] = [
    { batches: 1 / 64, wakes: 0, woken: 0 },
    { batches: 0.5, wakes: 0, woken: 0 },
    { batches: 1, wakes: 0.9, woken: 0.9 },
  ];
  return [64, 600, 1400].flatMap((length) => [
    ...(['send', 'none', 'prefilter'] as const).map((way) => pointOf(way, length, 0)),
    ...[1, 0.1].map((df) => pointOf('fast-path', length, df)),
    ...paces.map((pace, i) => pointOf('clear-df', length, [1, 0.5, 0.1][i] as number, pace)),
  ]);
}

/** A packet of one size with DF, under load. */
export const underLoad = (length: number) => perPacket(COSTS, { mix: only(length), df: 1 });
