/** The simulation's thread, with the costs that were measured. Pure. */
import { at, BATCH_MOST, type Costs } from './cost.js';
import { roomFor } from './room.js';
import type { Worker } from './simulate.js';

/** `--receive-buffer` as it is by default, bytes; the kernel gives twice what it is asked for (socket(7)). */
const RECEIVE_BUFFER = 2 * 67_108_864;

export interface WorkerOptions {
  /** Bytes of each packet. */
  length: number;
  /** Nanoseconds from what wakes it until it runs. */
  wakeDelay: number;
  /** `--coalesce`, nanoseconds. */
  coalesce?: number;
}

/** A thread of clear-df. */
export function workerOf(costs: Costs, { length, wakeDelay, coalesce = 0 }: WorkerOptions): Worker {
  return {
    packet: at(costs.clear, length),
    perBatch: costs.batch,
    batch: BATCH_MOST,
    wake: costs.wake,
    wakeDelay,
    room: roomFor(length, RECEIVE_BUFFER),
    coalesce,
  };
}
