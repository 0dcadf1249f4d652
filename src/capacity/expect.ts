/** What the bench would measure, by the model. Pure. */
import { at, type Costs, only } from './cost.js';
import type { Point } from './fit.js';
import { paced, predict, withSender } from './predict.js';

/** The bench's cores: one that sends and receives, and one for the queues. */
const BENCH = { cores: 2, receiving: 1 };

/** Which measurement is meant. */
type Case = Pick<Point, 'way' | 'length' | 'df'>;

/** Packets a second that come through, the work of the bench's sender within. */
export function expectedRate(costs: Costs, { way, length, df }: Case, queues = 1): number {
  const sent = at(costs.send, length);
  const forwarded = sent + at(costs.forward, length);
  switch (way) {
    case 'send':
      return 1e9 / sent;
    case 'none':
      return 1e9 / forwarded;
    case 'prefilter':
      return 1e9 / (forwarded + costs.match);
    case 'fast-path':
      return 1e9 / (forwarded + (1 - df) * costs.look + df * costs.fastPath);
    case 'clear-df':
      return predict(withSender(costs), { mix: only(length), df }, { ...BENCH, queues }).packetsPerSecond;
  }
}

/** Nanoseconds of clear-df's threads, on one core, for each packet that they answer, when so many come in a second. */
export function expectedClearing(costs: Costs, { length, df }: Case, packetsPerSecond: number): number {
  return paced(costs, { mix: only(length), df }, packetsPerSecond).clearing / df;
}
