/** What a simulation has shown, over all its queues. Pure. */
import type { Arrivals } from './arrivals.js';
import { shares } from './flows.js';
import { randomSource } from './random.js';
import { type Simulated, simulateQueue, type Worker } from './simulate.js';

export interface Summary {
  /** Packets a second that were answered. */
  packetsPerSecond: number;
  /** Of the packets that came. */
  lost: number;
  /** Nanoseconds from arrival to answer; 0 when none was answered. */
  delay: { mean: number; median: number; p99: number; p999: number };
  /** Nanoseconds of the threads for each packet that was answered. */
  cpuPerPacket: number;
  /** For each packet that was answered. */
  wakes: number;
  /** Of its time, the busiest thread. */
  busiest: number;
}

/** Several queues together. */
export function summarize(queues: readonly Simulated[]): Summary {
  const sum = (pick: (queue: Simulated) => number): number => queues.reduce((s, queue) => s + pick(queue), 0);
  const [arrived, answered] = [sum((queue) => queue.arrived), sum((queue) => queue.answered)];
  const delays = Float64Array.from(queues.flatMap((queue) => queue.delays)).sort();
  const quantile = (q: number): number => delays[Math.max(0, Math.ceil(q * delays.length) - 1)] ?? 0;
  const elapsed = Math.max(...queues.map((queue) => queue.elapsed));
  const each = (total: number): number => (answered === 0 ? 0 : total / answered);
  return {
    packetsPerSecond: elapsed === 0 ? 0 : (1e9 * answered) / elapsed,
    lost: arrived === 0 ? 0 : sum((queue) => queue.lost) / arrived,
    delay: {
      mean: each(delays.reduce((s, delay) => s + delay, 0)),
      ...{ median: quantile(0.5), p99: quantile(0.99), p999: quantile(0.999) },
    },
    cpuPerPacket: each(sum((queue) => queue.busy)),
    wakes: each(sum((queue) => queue.wakes)),
    busiest: Math.max(...queues.map((queue) => (queue.elapsed === 0 ? 0 : queue.busy / queue.elapsed))),
  };
}

interface Router {
  /** Each with a thread and a core of its own. */
  queues: number;
  /** Of one rate each; a hash gives each of them to one queue. */
  flows: number;
  worker: Worker;
}

/** A router with several queues, under packets of many flows, for so many seconds of arrivals. */
export function simulateRouter(
  { queues, flows, worker }: Router,
  arrivals: Arrivals,
  seconds: number,
  seed: number,
): Summary {
  const parts = shares(flows, queues, randomSource(seed)).filter((share) => share > 0);
  return summarize(
    parts.map((share, i) => simulateQueue({ ...arrivals, rate: arrivals.rate * share }, worker, seconds, seed + 1 + i)),
  );
}
