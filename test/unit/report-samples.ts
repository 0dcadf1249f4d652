/** Made-up readings for the tests of the report room. */
import { type Counters, merge, zeroCounters } from '../../src/counters.js';
import type { KernelQueue, KernelQueues } from '../../src/host/read/queues.js';
import { type Snapshot, type SnapshotParts, buildSnapshot } from '../../src/report/snapshot.js';

export function counters(some: Partial<Counters> = {}): Counters {
  return { ...zeroCounters(), ...some };
}

/** Port id of the made-up socket of a queue. */
export function portOf(queue: number): number {
  return 4000 + queue;
}

export function kernelRow(queue: number, some: Partial<KernelQueue> = {}): KernelQueue {
  return {
    queue,
    portId: portOf(queue),
    waiting: 0,
    copyMode: 'packet',
    copyRange: 65_531,
    queueDropped: 0,
    userDropped: 0,
    idSequence: 0,
    ...some,
  };
}

export interface Sample {
  queues?: { queue: number; companion?: boolean; counters?: Partial<Counters> }[];
  kernel?: KernelQueues;
  parts?: Partial<SnapshotParts>;
}

/** A snapshot of the given queues (one, number 0, unless told otherwise), each held by its own socket. */
export function snapshot({ queues = [{ queue: 0 }], kernel, parts }: Sample = {}): Snapshot {
  const rows = queues.map((queue) => ({
    queue: queue.queue,
    companion: queue.companion ?? false,
    counters: counters(queue.counters),
  }));
  return buildSnapshot({
    version: '1.2.3',
    startedAt: 1_700_000_000,
    uptimeSeconds: 10,
    stats: { ...merge(rows.map((row) => row.counters)), queues: rows },
    ports: rows.map(({ queue }) => ({ queue, portId: portOf(queue) })),
    settings: [],
    fastPath: [],
    kernel: kernel ?? { state: 'known', rows: rows.map(({ queue }) => kernelRow(queue)), unread: [] },
    ...parts,
  });
}
