/** Rates per second between two snapshots. */
import { COUNTER_NAMES, type Counters, delta, merge } from '../counters.js';
import { FAST_COUNTER_NAMES, type FastCounters } from '../fast-path/counters.js';
import type { FastStats } from '../fast-path/fast-path.js';
import type { KernelCounts, QueueSnapshot, Snapshot } from './snapshot.js';

/** What a queue did per second. */
interface QueueRates {
  queue: number;
  counters: Counters;
  /** Drops per second by the kernel's own count; absent when it is not known. */
  queueDropped?: number;
  userDropped?: number;
}

export interface Rates {
  /** The time between the two readings in seconds. */
  seconds: number;
  /** The daemon started anew in between: the rates are those since its start. */
  restarted: boolean;
  /** Sums over the queues, the companion's included. */
  counters: Counters;
  queues: QueueRates[];
  /** The fast path, place by place; only places of both readings, as its counters are older than the daemon. */
  fastPath: FastStats[];
  /** Of one core, all threads together: 1.5 is one and a half. Absent when it is not known. */
  cpu?: number;
}

/**
 * What was added per second from `before` to `after`; never negative. Without `before`, or when the daemon started anew
 * in between, the mean since its start. Undefined when no time has passed.
 */
export function ratesBetween(after: Snapshot, before?: Snapshot): Rates | undefined {
  const same = before !== undefined && sameRun(after, before);
  const seconds = after.uptimeSeconds - (same ? before.uptimeSeconds : 0);
  if (!(seconds > 0)) return undefined;
  const queues = after.queues.map((queue) => {
    const earlier = same ? before.queues.find((candidate) => candidate.queue === queue.queue) : undefined;
    return queueRates(queue, earlier, seconds);
  });
  return {
    seconds,
    restarted: before !== undefined && !same,
    counters: merge(queues.map(({ counters }) => counters)),
    queues,
    fastPath: same ? fastRates(after, before, seconds) : [],
    ...cpuRate(after, same ? before : undefined, seconds),
  };
}

function fastRates(after: Snapshot, before: Snapshot, seconds: number): FastStats[] {
  return after.fastPath.flatMap(({ device, direction, counters }) => {
    const earlier = before.fastPath.find((place) => place.device === device && place.direction === direction)?.counters;
    if (earlier === undefined) return [];
    const rates = (['packets', ...FAST_COUNTER_NAMES] as const).map((name) => [
      name,
      added(counters[name], earlier[name]) / seconds,
    ]);
    return [{ device, direction, counters: Object.fromEntries(rates) as FastCounters }];
  });
}

function cpuRate(after: Snapshot, before: Snapshot | undefined, seconds: number): { cpu?: number } {
  if (after.process === undefined || (before !== undefined && before.process === undefined)) return {};
  return { cpu: added(after.process.cpuSeconds, before?.process?.cpuSeconds ?? 0) / seconds };
}

function sameRun(after: Snapshot, before: Snapshot): boolean {
  return after.startedAt === before.startedAt && after.uptimeSeconds >= before.uptimeSeconds;
}

function queueRates(after: QueueSnapshot, before: QueueSnapshot | undefined, seconds: number): QueueRates {
  const since = before === undefined ? after.counters : delta(after.counters, before.counters);
  const counters = Object.fromEntries(COUNTER_NAMES.map((name) => [name, since[name] / seconds])) as Counters;
  const earlier: KernelCounts = before?.kernel ?? { state: 'held', waiting: 0, queueDropped: 0, userDropped: 0 };
  // Both must be known: the drops of a time that nobody watched would look like a burst.
  if (after.kernel.state !== 'held' || earlier.state !== 'held') return { queue: after.queue, counters };
  return {
    queue: after.queue,
    counters,
    queueDropped: added(after.kernel.queueDropped, earlier.queueDropped) / seconds,
    userDropped: added(after.kernel.userDropped, earlier.userDropped) / seconds,
  };
}

/** The kernel counts anew when the queue is bound, or the program attached, again: less than before counts from 0. */
function added(after: number, before: number): number {
  return after >= before ? after - before : after;
}
