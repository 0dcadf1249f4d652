/** A snapshot as Prometheus metrics, collected when they are asked for. */
import { Counter, Gauge, Registry } from 'prom-client';
import { COUNTERS, type CounterName, snakeCase } from '../counters.js';
import type { FastStats } from '../fast-path/fast-path.js';
import { FAST_METRICS } from './fast-path.js';
import { PASSED } from './passed.js';
import type { Snapshot } from './snapshot.js';

/** The metric of each counter; those of packets that were passed unchanged are one metric with a reason. */
const COUNTER_METRICS = {
  packets: 'clear_df_packets_total',
  bytes: 'clear_df_bytes_total',
  batches: 'clear_df_batches_total',
  cleared: 'clear_df_cleared_packets_total',
  fragments: 'clear_df_cleared_fragments_total',
  gso: 'clear_df_cleared_gso_packets_total',
  checksumFinished: 'clear_df_checksum_finished_packets_total',
  requeued: 'clear_df_requeued_packets_total',
  requeueLost: 'clear_df_requeue_lost_packets_total',
  verdicts: 'clear_df_verdicts_total',
  verdictErrors: 'clear_df_verdict_errors_total',
  leaked: 'clear_df_leaked_packets_total',
  overrun: 'clear_df_overrun_packets_total',
  overload: 'clear_df_overload_packets_total',
  queueFull: 'clear_df_queue_full_packets_total',
  enobufs: 'clear_df_enobufs_total',
  receiveErrors: 'clear_df_receive_errors_total',
  identifications: 'clear_df_identifications_total',
} as const satisfies Record<Exclude<CounterName, (typeof PASSED)[number]>, string>;

type Sample = { labels: Record<string, string | number>; value: number };
type Samples = (snapshot: Snapshot) => Sample[];

/**
 * A registry of its own, never prom-client's global one. One snapshot is taken for each scrape; what the kernel did not
 * tell is absent, not 0.
 */
export function createMetrics(take: () => Snapshot): Registry {
  const registry = new Registry();
  const snapshot = oncePerScrape(take);
  const gauge = (name: string, help: string, labelNames: string[], samples: Samples) =>
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset();
        // reset() leaves a 0 behind where there are no labels; absent is not 0.
        this.remove({});
        for (const { labels, value } of samples(snapshot())) this.set(labels, value);
      },
    });
  const counter = (name: string, help: string, labelNames: string[], samples: Samples) =>
    addCounter(registry, name, help, labelNames, () => samples(snapshot()));

  gauge('clear_df_build_info', 'Always 1; the version and the name of this clear-df.', ['version', 'name'], (now) => [
    { labels: { version: now.version, ...(now.name === undefined ? {} : { name: now.name }) }, value: 1 },
  ]);
  gauge('clear_df_start_time_seconds', 'When this clear-df started, in seconds since 1970.', [], (now) => [
    { labels: {}, value: now.startedAt },
  ]);
  counter('clear_df_cpu_seconds_total', 'CPU time of this clear-df, user and system, all threads.', [], (now) =>
    now.process === undefined ? [] : [{ labels: {}, value: now.process.cpuSeconds }],
  );
  gauge('clear_df_resident_memory_bytes', 'Resident memory of this clear-df.', [], (now) =>
    now.process === undefined ? [] : [{ labels: {}, value: now.process.residentBytes }],
  );
  for (const [name, metric] of Object.entries(COUNTER_METRICS)) {
    const key = name as CounterName;
    counter(metric, COUNTERS[key].help, ['queue'], (now) =>
      now.queues.map(({ queue, counters }) => ({ labels: { queue }, value: counters[key] })),
    );
  }
  counter('clear_df_passed_packets_total', 'Packets passed unchanged, by reason.', ['queue', 'reason'], (now) =>
    now.queues.flatMap(({ queue, counters }) =>
      PASSED.map((key) => ({ labels: { queue, reason: snakeCase(key) }, value: counters[key] })),
    ),
  );
  addKernel(gauge, counter);
  for (const { name, help, labels, samples } of FAST_METRICS) {
    counter(name, help, labels, ({ fastPath }) => samples(fastPath));
  }
  gauge(
    'clear_df_setting_taken',
    'Whether the kernel took a setting (1) or refused it (0).',
    ['queue', 'setting'],
    (now) =>
      now.settings.map(({ queue, setting, refused }) => ({
        labels: { queue, setting: setting.replaceAll('-', '_') },
        value: refused === undefined ? 1 : 0,
      })),
  );
  gauge(
    'clear_df_companion',
    'Whether a queue is the companion that takes GSO packets in segments.',
    ['queue'],
    (now) => now.queues.map(({ queue, companion }) => ({ labels: { queue }, value: companion ? 1 : 0 })),
  );
  gauge(
    'clear_df_identification_wrap_seconds',
    'Seconds in which the busiest destination and protocol goes through all identifications.',
    [],
    ({ busiest }) => (busiest === undefined ? [] : [{ labels: {}, value: busiest.wrapSeconds }]),
  );
  return registry;
}

/** The fast path alone, as one reading of it, while no clear-df runs. */
export function createFastMetrics(places: readonly FastStats[]): Registry {
  const registry = new Registry();
  for (const { name, help, labels, samples } of FAST_METRICS) {
    addCounter(registry, name, help, labels, () => samples(places));
  }
  return registry;
}

function addCounter(
  registry: Registry,
  name: string,
  help: string,
  labelNames: string[],
  samples: () => Sample[],
): Counter {
  return new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      this.remove({});
      for (const { labels, value } of samples()) this.inc(labels, value);
    },
  });
}

type AddMetric = (name: string, help: string, labelNames: string[], samples: Samples) => unknown;

/** What `/proc/net/netfilter/nfnetlink_queue` says. */
function addKernel(gauge: AddMetric, counter: AddMetric): void {
  gauge(
    'clear_df_queue_held',
    "Whether this clear-df holds the queue by the kernel's table.",
    ['queue'],
    ({ queues }) =>
      queues.flatMap(({ queue, kernel }) =>
        kernel.state === 'unknown' ? [] : [{ labels: { queue }, value: kernel.state === 'held' ? 1 : 0 }],
      ),
  );
  gauge('clear_df_kernel_waiting_packets', 'Packets that wait in the kernel for a verdict.', ['queue'], ({ queues }) =>
    queues.flatMap(({ queue, kernel }) =>
      kernel.state === 'held' ? [{ labels: { queue }, value: kernel.waiting }] : [],
    ),
  );
  counter(
    'clear_df_kernel_dropped_packets_total',
    'Packets that the kernel dropped: too many waited (queue), or the receive buffer was full (user).',
    ['queue', 'where'],
    ({ queues }) =>
      queues.flatMap(({ queue, kernel }) =>
        kernel.state === 'held'
          ? [
              { labels: { queue, where: 'queue' }, value: kernel.queueDropped },
              { labels: { queue, where: 'user' }, value: kernel.userDropped },
            ]
          : [],
      ),
  );
}

/**
 * Every metric collects for itself, and prom-client calls all collectors in one go before it waits for anything: what
 * is read within that go is one reading.
 */
function oncePerScrape(take: () => Snapshot): () => Snapshot {
  let current: Snapshot | undefined;
  return () => {
    if (current === undefined) {
      current = take();
      queueMicrotask(() => (current = undefined));
    }
    return current;
  };
}
