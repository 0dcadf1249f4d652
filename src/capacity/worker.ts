/** The simulation's thread, with the costs that were measured. Pure. */
import { at, BATCH_MOST, COALESCE, type Costs, only } from './cost.js';
import { RECEIVE_BUFFER, roomFor } from './room.js';
import type { Worker } from './simulate.js';

interface WorkerOptions {
  /** Bytes of each packet. */
  length: number;
  /** Nanoseconds from what wakes it until it runs. */
  wakeDelay: number;
  /** `--coalesce`, nanoseconds. */
  coalesce?: number;
}

/** A thread of clear-df. */
export function workerOf(costs: Costs, { length, wakeDelay, coalesce = COALESCE }: WorkerOptions): Worker {
  return {
    packet: at(costs.clear, length),
    batch: BATCH_MOST,
    wake: costs.wake,
    wakeDelay,
    room: roomFor(only(length), RECEIVE_BUFFER),
    coalesce,
  };
}
