/**
 * One reading of everything a running clear-df knows about itself: what `/stats` sends, `clear-df stats` prints and
 * `/metrics` is made of.
 */
import type { Counters } from '../counters.js';
import type { FastStats } from '../fast-path/fast-path.js';
import type { KernelQueues } from '../host/read/queues.js';
import type { Busiest, ClearDf, Setting, Stats } from '../mangler.js';

/** What the kernel's own table says about one of our queues. */
export type KernelCounts =
  | {
      state: 'held';
      /** Packets that wait for a verdict. */
      waiting: number;
      /** Packets dropped because the queue was full (`queue_dropped`). */
      queueDropped: number;
      /** Packets dropped because the receive buffer was full (`user_dropped`). */
      userDropped: number;
    }
  /** Another socket holds the queue. */
  | { state: 'other'; portId: number }
  /** Nobody holds the queue. */
  | { state: 'unbound' }
  | { state: 'unknown' };

export interface QueueSnapshot {
  queue: number;
  /** Takes GSO packets segment by segment. */
  companion: boolean;
  /** Netlink port id of the socket that holds the queue. */
  portId?: number;
  counters: Counters;
  kernel: KernelCounts;
}

/** What the process has used; of the program in the kernel nothing is in it. */
interface ProcessUsage {
  /** Seconds on a CPU since the start, of all threads, in user mode and in the kernel. */
  cpuSeconds: number;
  residentBytes: number;
}

export interface Snapshot {
  version: string;
  /** The name that the rules' comment carries, when this run has one. */
  name?: string;
  /** Seconds since 1970. */
  startedAt: number;
  /** Seconds by the monotonic clock. */
  uptimeSeconds: number;
  queues: QueueSnapshot[];
  /** Sums over the queues, the companion's included. */
  totals: Counters;
  /** Why the kernel's table could not be read; absent when it was. */
  kernelUnknown?: string;
  settings: Setting[];
  /** The companion queue's number. */
  companion?: number;
  /** The destination and protocol that use identifications fastest; absent when none were given out lately. */
  busiest?: Busiest;
  /** Leaked packets as a share (0–1) of all that the rules sent to the queues. */
  leakedShare: number;
  /** What the fast path has counted, place by place: packets that it cleared never came to the queues. */
  fastPath: FastStats[];
  /** Absent from a clear-df that does not tell yet. */
  process?: ProcessUsage;
}

/** What a snapshot is built from. Times in seconds. */
export interface SnapshotParts {
  version: string;
  name?: string | undefined;
  startedAt: number;
  uptimeSeconds: number;
  stats: Stats;
  ports: { queue: number; portId: number }[];
  settings: Setting[];
  companion?: number | undefined;
  kernel: KernelQueues;
  fastPath: FastStats[];
  process?: ProcessUsage | undefined;
}

/** Joins our counters with the kernel's rows. Pure. */
export function buildSnapshot(parts: SnapshotParts): Snapshot {
  const { queues, busiest, ...totals } = parts.stats;
  const ports = new Map(parts.ports.map(({ queue, portId }) => [queue, portId >>> 0]));
  return {
    version: parts.version,
    ...(parts.name === undefined ? {} : { name: parts.name }),
    startedAt: parts.startedAt,
    uptimeSeconds: parts.uptimeSeconds,
    queues: queues.map(({ queue, companion, counters }) => {
      const portId = ports.get(queue);
      return {
        queue,
        companion,
        ...(portId === undefined ? {} : { portId }),
        counters,
        kernel: kernelCounts(parts.kernel, queue, portId),
      };
    }),
    totals,
    ...(parts.kernel.state === 'unknown' ? { kernelUnknown: parts.kernel.detail } : {}),
    settings: parts.settings,
    ...(parts.companion === undefined ? {} : { companion: parts.companion }),
    ...(busiest !== undefined && Number.isFinite(busiest.wrapSeconds) ? { busiest } : {}),
    leakedShare: share(totals.leaked, totals.packets + totals.leaked),
    fastPath: parts.fastPath,
    ...(parts.process === undefined ? {} : { process: parts.process }),
  };
}

function kernelCounts(kernel: KernelQueues, queue: number, portId: number | undefined): KernelCounts {
  if (kernel.state === 'unknown') return { state: 'unknown' };
  const row = kernel.rows.find((candidate) => candidate.queue === queue);
  if (row === undefined) return { state: kernel.unread.length === 0 ? 'unbound' : 'unknown' };
  if (row.portId !== portId) return { state: 'other', portId: row.portId };
  const { waiting, queueDropped, userDropped } = row;
  return { state: 'held', waiting, queueDropped, userDropped };
}

/** `part` of `whole` as 0–1; 0 of nothing is 0. */
export function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/**
 * A function that takes a snapshot of `mangler` each time it is called. The clocks start now.
 * @param parts.readKernel the reader of the kernel's table, `readKernelQueues`
 */
export function snapshotSource(parts: {
  mangler: Pick<ClearDf, 'stats' | 'ports' | 'settings' | 'companion'>;
  readKernel: () => KernelQueues;
  version: string;
  /** Of the rules, as it is then. */
  name?: () => string | undefined;
  fastPath?: () => FastStats[];
}): () => Snapshot {
  const { mangler, readKernel, version, name = () => undefined, fastPath = () => [] } = parts;
  const startedAt = Date.now() / 1000;
  const start = performance.now();
  return () =>
    buildSnapshot({
      version,
      name: name(),
      startedAt,
      uptimeSeconds: (performance.now() - start) / 1000,
      stats: mangler.stats(),
      ports: mangler.ports,
      settings: mangler.settings,
      companion: mangler.companion,
      kernel: readKernel(),
      fastPath: fastPath(),
      process: processUsage(),
    });
}

/** Undefined where `/proc` is not to be read, as for want of descriptors. */
function processUsage(): ProcessUsage | undefined {
  try {
    const { user, system } = process.cpuUsage();
    return { cpuSeconds: (user + system) / 1e6, residentBytes: process.memoryUsage.rss() };
  } catch {
    return undefined;
  }
}
