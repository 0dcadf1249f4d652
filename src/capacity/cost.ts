/**
 * What a packet costs a router, in nanoseconds of one core's time. Pure.
 *
 * A packet that is queued is worked on twice: the core that receives it brings it as far as the queue, and the queue's
 * thread takes it from there, clears DF, and sends it on within its own system call. A packet that the rule lets by is
 * worked on by the receiving core alone.
 */

/** Nanoseconds for a packet: some for each, some for each of its bytes from the IP header on. */
interface Line {
  fixed: number;
  perByte: number;
}

export interface Costs {
  /** The bench's sender, and its link up to the router's IP; no part of a router. */
  send: Line;
  /** The receiving core, without any rule: takes the packet in, routes it, sends it on. */
  forward: Line;
  /** The receiving core: the rule that finds packets with DF, where it does not match. */
  match: number;
  /** The receiving core: the fast path's program, where DF is clear. */
  look: number;
  /** The receiving core: the fast path's program, where it clears DF. */
  fastPath: number;
  /** The receiving core: from taking the packet in to leaving it in the queue, the rule within. */
  queue: Line;
  /** The queue's thread: from the queue to the next link. */
  clear: Line;
  /** The queue's thread: each time that it has slept, waking up and the batch that it then takes. */
  wake: number;
  /** The receiving core: each batch that is taken from under its hands. */
  batching: number;
  /** The receiving core: each time that it wakes the thread. */
  waking: number;
}

/** Packets in a batch at most. */
export const BATCH_MOST = 64;

/** `--coalesce` unless something else is said, in nanoseconds. */
export const COALESCE = 50_000;
/** Packets that a pause has to bring to be made: `csrc/queue/coalesce.c`. */
const WORTH = 1.25;

/** Sizes in bytes, IP header included, each with its share of the packets; the shares add up to 1. */
export type Mix = readonly { length: number; share: number }[];

/** What comes to a router. */
export interface Load {
  mix: Mix;
  /** Share of the packets that have DF set, 0 to 1. */
  df: number;
}

/** Nanoseconds of one packet of so many bytes. */
export function at({ fixed, perByte }: Line, length: number): number {
  return fixed + perByte * length;
}

/** Nanoseconds of a packet on average. */
function average(line: Line, mix: Mix): number {
  return mix.reduce((sum, { length, share }) => sum + share * at(line, length), 0);
}

/** Bytes of a packet on average. */
export function meanLength(mix: Mix): number {
  return mix.reduce((sum, { length, share }) => sum + share * length, 0);
}

/** All packets of one size. */
export function only(length: number): Mix {
  return [{ length, share: 1 }];
}

/** Nanoseconds for each packet that comes, with DF or without, by how it is treated. */
export interface PerPacket {
  /** The receiving core's, with clear-df behind it. */
  receiving: number;
  /** The queue threads'. */
  clearing: number;
  /** The receiving core's where the tunnel itself takes packets of any size (`ignore-df`): forwarding, no more. */
  tunnelFlag: number;
  /** The receiving core's where the fast path clears DF. */
  fastPath: number;
}

/** How a queue's thread works at some rate, for each packet that it takes. */
export interface Pace {
  batches: number;
  wakes: number;
  /** Of the wakes, those that the receiving core brings about; after a pause it is the timer. */
  woken: number;
}

/** What a thread does that has no time to sleep and always finds a full batch. */
export const FULL_PACE: Pace = { batches: 1 / BATCH_MOST, wakes: 0, woken: 0 };

const HALVINGS = 40;

/**
 * How a thread works that gets so many packets a second, at random. While it works on a batch of m for s = m × clear, the next one gathers: λs packets come, or, with a probability of e^-λs, none; then it sleeps until one does, and
 * λ × wake more come while it wakes up. So m = λs + e^-λs × (1 + λ × wake). `simulate.ts` bears it out. Where pauses are
 * worth it, what comes in a pause and in the work on it makes up a wake's packets.
 * @param coalesce nanoseconds, 0 for no pauses
 */
export function paceAt({ clear, wake }: Costs, mix: Mix, packetsPerSecond: number, coalesce = 0): Pace {
  const rate = packetsPerSecond / 1e9;
  const each = average(clear, mix);
  if (isWorthPauses(packetsPerSecond, coalesce)) {
    const idle = 1 - rate * each;
    if (idle <= 0) return FULL_PACE;
    const packets = Math.max(1, (rate * (coalesce + wake)) / idle);
    return { batches: Math.max(1 / packets, 1 / BATCH_MOST), wakes: 1 / packets, woken: 0 };
  }
  const come = (size: number): number => rate * size * each;
  const idle = (size: number): number => Math.exp(-come(size));
  let [low, high] = [1, BATCH_MOST];
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (come(middle) + idle(middle) * (1 + rate * wake) > middle) low = middle;
    else high = middle;
  }
  const wakes = idle(high) / high;
  return { batches: 1 / high, wakes, woken: wakes };
}

/** Whether a thread that gets so many packets a second pauses instead of waiting for the next. */
export function isWorthPauses(packetsPerSecond: number, coalesce = COALESCE): boolean {
  return (packetsPerSecond / 1e9) * coalesce >= WORTH;
}

/** What a packet of the load costs on average. @param pace of the queues' threads */
export function perPacket(costs: Costs, { mix, df }: Load, pace = FULL_PACE): PerPacket {
  const forward = average(costs.forward, mix);
  const passed = (1 - df) * (forward + costs.match);
  const { batches, wakes, woken } = pace;
  return {
    receiving: passed + df * (average(costs.queue, mix) + batches * costs.batching + woken * costs.waking),
    clearing: df * (average(costs.clear, mix) + wakes * costs.wake),
    tunnelFlag: forward,
    fastPath: forward + (1 - df) * costs.look + df * costs.fastPath,
  };
}
