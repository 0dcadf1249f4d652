/** How many packets a machine takes, and what limits them. Pure. */
import { COALESCE, type Costs, type Load, meanLength, paceAt, type PerPacket, perPacket } from './cost.js';

const NANOSECONDS = 1e9;

/** Which cores do what. */
export interface Cores {
  cores: number;
  /** So many of them receive. The queues' threads have the others; where there are none, they share them all. */
  receiving: number;
  queues: number;
  /** How many times its fair share the busiest queue gets; default 1. Hashes are never even: see `flows.ts`. */
  imbalance?: number;
}

type Limit = 'receiving cores' | 'queue threads' | 'all cores';

export interface Prediction {
  packetsPerSecond: number;
  /** IP headers included, nothing of the link. */
  bytesPerSecond: number;
  limit: Limit;
  /** Cores that are busy then, receiving. */
  receiving: number;
  /** Cores that are busy then with the queues. */
  clearing: number;
}

/**
 * The most that goes through clear-df.
 * @throws RangeError when there is no core, no queue, or nobody to receive
 */
export function predict(costs: Costs, load: Load, machine: Cores): Prediction {
  const { cores, receiving, queues, imbalance = 1 } = machine;
  if (!(cores >= 1 && queues >= 1 && receiving >= 1 && receiving <= cores && imbalance >= 1)) {
    throw new RangeError('a machine has a core, a queue and a core that receives, at least, and never too even a hash');
  }
  const apart = cores - receiving;
  const threads = Math.min(queues, apart === 0 ? cores : apart);
  const full = perPacket(costs, load);
  const limits: [Limit, number][] = [
    ['queue threads', (NANOSECONDS * threads) / (full.clearing * imbalance)],
    ['receiving cores', receivable(costs, load, receiving, threads)],
  ];
  if (apart === 0) limits.push(['all cores', (NANOSECONDS * cores) / (full.receiving + full.clearing)]);
  const [limit, packetsPerSecond] = limits.reduce((least, next) => (next[1] < least[1] ? next : least));
  const cost = limit === 'receiving cores' ? paced(costs, load, packetsPerSecond, threads) : full;
  return {
    packetsPerSecond,
    bytesPerSecond: packetsPerSecond * meanLength(load.mix),
    limit,
    receiving: (packetsPerSecond * cost.receiving) / NANOSECONDS,
    clearing: (packetsPerSecond * cost.clearing) / NANOSECONDS,
  };
}

/** The cost of a packet when so many come in a second. @param threads cores that have queues, each with as much to do */
export function paced(costs: Costs, load: Load, packetsPerSecond: number, threads = 1): PerPacket {
  return perPacket(costs, load, paceAt(costs, load.mix, (packetsPerSecond * load.df) / threads, COALESCE));
}

const HALVINGS = 60;

/** Packets a second that so many cores can receive: a thread that has time takes small batches, which cost them more. */
function receivable(costs: Costs, load: Load, receiving: number, threads: number): number {
  let [low, high] = [0, (NANOSECONDS * receiving) / perPacket(costs, load).receiving];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    const busy = (middle * paced(costs, load, middle, threads).receiving) / NANOSECONDS;
    if (busy > receiving) high = middle;
    else low = middle;
  }
  return high;
}

/** The sender is a part of the bench's receiving core: its costs with that within. */
export function withSender(costs: Costs): Costs {
  const { send } = costs;
  const added = (line: Costs['forward']) => ({
    fixed: line.fixed + send.fixed,
    perByte: line.perByte + send.perByte,
  });
  return { ...costs, forward: added(costs.forward), queue: added(costs.queue) };
}
