/** Flows on queues: a hash gives each flow to one queue, and never evenly. Pure. */
import { randomSource } from './random.js';

/** The packets that each queue gets of flows of one rate, as shares of all. @throws RangeError without flow or queue */
export function shares(flows: number, queues: number, random: () => number): number[] {
  if (!(flows >= 1 && queues >= 1)) throw new RangeError('there is a flow and a queue at least');
  const found = new Array<number>(queues).fill(0);
  for (let flow = 0; flow < flows; flow++) {
    const queue = Math.floor(random() * queues);
    found[queue] = (found[queue] as number) + 1 / flows;
  }
  return found;
}

/** How many times its fair share the busiest queue gets. */
export function imbalanceOf(found: readonly number[]): number {
  return Math.max(...found) * found.length;
}

const TRIALS = 400;
/** Of the trials: what holds in so many of them is relied on. */
const SURE = 0.95;
const STEP = 1.1;

/** The imbalance that 95 of 100 hashes stay below. */
export function likelyImbalance(flows: number, queues: number, seed: number): number {
  const random = randomSource(seed);
  const found = Array.from({ length: TRIALS }, () => imbalanceOf(shares(flows, queues, random)));
  return found.sort((a, b) => a - b)[Math.ceil(TRIALS * SURE) - 1] as number;
}

/**
 * How many flows of one rate it takes until the busiest queue gets less than `most` times its share, in 95 of 100
 * hashes; to the tenth of it.
 */
export function flowsNeeded(queues: number, most: number, seed: number): number {
  if (!(most > 1)) throw new RangeError('no hash is even: the most has to be above 1');
  if (queues === 1) return 1;
  let flows = queues;
  while (likelyImbalance(flows, queues, seed) >= most) flows = Math.ceil(flows * STEP);
  return flows;
}
