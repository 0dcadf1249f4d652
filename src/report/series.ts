/** The numbers that people watch over time, each once: what `clear-df top` and the status page draw. */
import type { FastStats } from '../fast-path/fast-path.js';
import { PASSED } from './passed.js';
import type { Rates } from './rates.js';
import type { Snapshot } from './snapshot.js';

/** Per second where nothing else is said; undefined where it is not known. */
export const SERIES = {
  packets: (_now: Snapshot, rates?: Rates) => rates?.counters.packets,
  bytes: (_now, rates) => rates?.counters.bytes,
  cleared: (_now, rates) => rates?.counters.cleared,
  unchanged: (_now, rates) => rates && sum(PASSED.map((name) => rates.counters[name])),
  fastPackets: (_now, rates) => fast(rates, 'packets'),
  fastCleared: (_now, rates) => fast(rates, 'cleared'),
  /** What only the queue can do. */
  fastLeft: (_now, rates) => fast(rates, 'leftForQueue'),
  leaked: (_now, rates) => rates?.counters.leaked,
  overrun: (_now, rates) => rates?.counters.overrun,
  /** Packets in the kernel without a verdict, now. */
  waiting: ({ queues }) => {
    const held = queues.flatMap(({ kernel }) => (kernel.state === 'held' ? [kernel.waiting] : []));
    return held.length === 0 ? undefined : sum(held);
  },
  /** Seconds. */
  wrap: ({ busiest }) => busiest?.wrapSeconds,
  /** Of one core. */
  cpu: (_now, rates) => rates?.cpu,
  /** Packets to a receive call. */
  batch: (_now, rates) => {
    if (rates === undefined || rates.counters.batches === 0) return undefined;
    return rates.counters.packets / rates.counters.batches;
  },
} as const satisfies Record<string, (now: Snapshot, rates?: Rates) => number | undefined>;

/**
 * Linux keeps incomplete datagrams for 30 s (net.ipv4.ipfrag_time): identifications that come back sooner can be mixed
 * up at the far end.
 */
export const REASSEMBLY_SECONDS = 30;
export type SeriesName = keyof typeof SERIES;
export const SERIES_NAMES = Object.keys(SERIES) as SeriesName[];

function fast(rates: Rates | undefined, name: keyof FastStats['counters']): number | undefined {
  if (rates === undefined || rates.fastPath.length === 0) return undefined;
  return sum(rates.fastPath.map(({ counters }) => counters[name]));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
