/** What a link of some rate needs, and from which rate on another method is better. Pure. */
import { type Costs, type Load, perPacket } from './cost.js';
import { fills } from './mixes.js';

/** A core that is busier than this has no room for what comes in bursts: packets wait, then get lost. */
export const BUSY_MOST = 0.8;
/** How many times its share the busiest of several queues gets where there are flows enough: see `flows.ts`. */
export const IMBALANCE = 1.3;
/** More queues than these nobody has simulated here. */
export const QUEUES_MOST = 16;

export interface Needs {
  packetsPerSecond: number;
  /** Queues, a thread and a core each; 0 when no packet has DF. */
  queues: number;
  /** Cores that receive. */
  receiving: number;
  /** Cores in all; what receives may share them with the queues (`--fanout cpu`). */
  cores: number;
  /** Cores where the tunnel itself takes packets of any size (`ignore-df`). */
  tunnelFlagCores: number;
  /** Cores where the fast path clears DF. */
  fastPathCores: number;
}

/** What is needed that no core is busier than {@link BUSY_MOST}. @param gbps of the link, in one direction */
export function needs(costs: Costs, load: Load, gbps: number): Needs {
  const packetsPerSecond = fills(gbps, load.mix);
  const cost = perPacket(costs, load);
  const busy = (nanoseconds: number): number => (packetsPerSecond * nanoseconds) / 1e9 / BUSY_MOST;
  const even = Math.ceil(busy(cost.clearing));
  const queues = even <= 1 ? even : Math.ceil(busy(cost.clearing) * IMBALANCE);
  return {
    packetsPerSecond,
    queues,
    receiving: Math.ceil(busy(cost.receiving)),
    cores: Math.ceil(busy(cost.receiving + cost.clearing)),
    tunnelFlagCores: Math.ceil(busy(cost.tunnelFlag)),
    fastPathCores: Math.ceil(busy(cost.fastPath)),
  };
}

/**
 * Packets a second from which on clear-df takes a whole core more than the tunnel's own `ignore-df` would; Infinity
 * when it never does.
 */
export function breakEven(costs: Costs, load: Load): number {
  const { receiving, clearing, tunnelFlag } = perPacket(costs, load);
  const more = receiving + clearing - tunnelFlag;
  return more > 0 ? 1e9 / more : Infinity;
}

/**
 * `none`: no packet has DF; `kernel`: the cores are not there, or more queues are needed than {@link QUEUES_MOST};
 * `cores`: forwarding alone takes more cores than there are.
 */
export type Advice = 'none' | 'one queue' | 'queues' | 'kernel' | 'cores';

/** The honest answer. @param cores that the machine has; Infinity when it is still to be bought */
export function adviceFor({ queues, cores: needed, tunnelFlagCores }: Needs, cores = Infinity): Advice {
  if (tunnelFlagCores > cores) return 'cores';
  if (queues === 0) return 'none';
  if (needed > cores || queues > QUEUES_MOST) return 'kernel';
  return queues === 1 ? 'one queue' : 'queues';
}

/** Bits a second of the link that so many queues reach, no thread busier than {@link BUSY_MOST}. */
export function reach(costs: Costs, load: Load, queues: number): number {
  const { clearing } = perPacket(costs, load);
  const packetsPerSecond = (1e9 * queues * BUSY_MOST) / (clearing * (queues === 1 ? 1 : IMBALANCE));
  return (1e9 * packetsPerSecond) / fills(1, load.mix);
}
