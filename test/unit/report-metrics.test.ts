import { execa } from 'execa';
import { register } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { COUNTERS, COUNTER_NAMES } from '../../src/counters.js';
import { FAST_COUNTER_NAMES, type FastCounters } from '../../src/fast-path/counters.js';
import { createFastMetrics, createMetrics } from '../../src/report/metrics.js';
import type { Snapshot } from '../../src/report/snapshot.js';
import { kernelRow, snapshot } from './report-samples.js';

const BUSIEST = { destination: '198.51.100.2', protocol: 47, perSecond: 655.35, wrapSeconds: 100 };

/** Every counter of queue 0 differs from every other; a companion; a refused setting; drops. */
function everything(): Snapshot {
  const now = snapshot({
    queues: [
      { queue: 0, counters: Object.fromEntries(COUNTER_NAMES.map((name, i) => [name, i + 1])) },
      { queue: 65_535, companion: true },
    ],
    kernel: {
      state: 'known',
      rows: [kernelRow(0, { waiting: 101, queueDropped: 102, userDropped: 103 }), kernelRow(65_535, { portId: 5 })],
      unread: [],
    },
    parts: {
      name: 'gre "to"\n\\berlin',
      settings: [
        { queue: 0, setting: 'fail-open', required: false, value: 1 },
        { queue: 0, setting: 'receive-buffer', required: false, value: 1, refused: 'EPERM' },
      ],
    },
  });
  return { ...now, busiest: BUSIEST };
}

async function checkMetrics(text: string) {
  const result = await execa('promtool', ['check', 'metrics'], { input: text, reject: false, all: true });
  if (result.code === 'ENOENT') throw new Error('promtool is missing: apt-get install prometheus');
  return { exitCode: result.exitCode, said: result.all };
}

/** Samples by their whole left side. */
function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('promtool check metrics', () => {
  test.each([
    ['everything', everything()],
    ['a fresh start', snapshot()],
    ['no queue', snapshot({ queues: [] })],
    [
      'a kernel that shows no counters',
      snapshot({ kernel: { state: 'unknown', reason: 'not-loaded', detail: 'not loaded' } }),
    ],
  ])('accepts %s without a word', async (_, now) => {
    expect(await checkMetrics(await createMetrics(() => now).metrics())).toEqual({ exitCode: 0, said: '' });
  });

  test('accepts the fast path alone, each counter with its place', async () => {
    const counters = Object.fromEntries(['packets', ...FAST_COUNTER_NAMES].map((name, i) => [name, i])) as FastCounters;
    const text = await createFastMetrics([{ device: 'gretap1', direction: 'egress', counters }]).metrics();
    expect(await checkMetrics(text)).toEqual({ exitCode: 0, said: '' });
    expect([...samples(text).values()].sort((a, b) => a - b)).toEqual(FAST_COUNTER_NAMES.map((_, i) => i + 1));
    expect(
      samples(text).get('clear_df_fast_path_packets_total{device="gretap1",direction="egress",result="cleared"}'),
    ).toBe(counters.cleared);
  });

  test('would not accept a counter without _total', async () => {
    const { exitCode, said } = await checkMetrics('# HELP clear_df_x X.\n# TYPE clear_df_x counter\nclear_df_x 1\n');
    expect(exitCode).not.toBe(0);
    expect(said).toContain('_total');
  });
});

describe('createMetrics', () => {
  test('every counter is there once, with its queue', async () => {
    const text = await createMetrics(everything).metrics();
    const values = [...samples(text)].filter(([key]) => /_total\{queue="0"/.test(key) && !key.includes('kernel'));
    expect(values.map(([, value]) => value).sort((a, b) => a - b)).toEqual(COUNTER_NAMES.map((_, i) => i + 1));
  });

  test('the names, types and help that dashboards rely on', async () => {
    const text = await createMetrics(everything).metrics();
    const found = samples(text);
    const value = (key: string) => found.get(`clear_df_${key}`);
    const nth = (name: (typeof COUNTER_NAMES)[number]) => COUNTER_NAMES.indexOf(name) + 1;
    expect(value('packets_total{queue="0"}')).toBe(nth('packets'));
    expect(value('cleared_packets_total{queue="0"}')).toBe(nth('cleared'));
    expect(value('leaked_packets_total{queue="0"}')).toBe(nth('leaked'));
    expect(value('passed_packets_total{queue="0",reason="already_clear"}')).toBe(nth('alreadyClear'));
    expect(value('passed_packets_total{queue="0",reason="ah_passed"}')).toBe(nth('ahPassed'));
    expect(value('kernel_waiting_packets{queue="0"}')).toBe(101);
    expect(value('kernel_dropped_packets_total{queue="0",where="queue"}')).toBe(102);
    expect(value('kernel_dropped_packets_total{queue="0",where="user"}')).toBe(103);
    expect(value('queue_held{queue="0"}')).toBe(1);
    expect(value('queue_held{queue="65535"}')).toBe(0);
    expect(value('companion{queue="65535"}')).toBe(1);
    expect(value('setting_taken{queue="0",setting="fail_open"}')).toBe(1);
    expect(value('setting_taken{queue="0",setting="receive_buffer"}')).toBe(0);
    expect(value('identification_wrap_seconds')).toBe(100);
    expect(value('start_time_seconds')).toBe(1_700_000_000);
    expect(value('build_info{version="1.2.3",name="gre \\"to\\"\\n\\\\berlin"}')).toBe(1);
    expect(text).toContain('# TYPE clear_df_packets_total counter');
    expect(text).toContain(`# HELP clear_df_leaked_packets_total ${COUNTERS.leaked.help}`);
  });

  test('what is not known is absent, not 0', async () => {
    const unknown = { state: 'unknown', reason: 'not-loaded', detail: '' } as const;
    const keys = [...samples(await createMetrics(() => snapshot({ kernel: unknown })).metrics()).keys()];
    expect(keys.filter((key) => /kernel|held|wrap|setting/.test(key))).toEqual([]);
    expect(keys).toContain('clear_df_packets_total{queue="0"}');
    // Another's queue: its drops are not ours.
    const others = { state: 'known', rows: [kernelRow(0, { portId: 1, userDropped: 9 })], unread: [] } as const;
    const text = await createMetrics(() =>
      snapshot({ kernel: { ...others, rows: [...others.rows], unread: [] } }),
    ).metrics();
    expect([...samples(text).keys()].filter((key) => key.includes('kernel'))).toEqual([]);
  });

  test('scraping again shows the counters as they are, not summed up; a queue that is gone goes', async () => {
    let now = snapshot({ queues: [{ queue: 0, counters: { packets: 10 } }, { queue: 1 }] });
    const metrics = createMetrics(() => now);
    await metrics.metrics();
    now = snapshot({ queues: [{ queue: 0, counters: { packets: 12 } }] });
    const found = samples(await metrics.metrics());
    expect(found.get('clear_df_packets_total{queue="0"}')).toBe(12);
    expect([...found.keys()].some((key) => key.includes('queue="1"'))).toBe(false);
  });

  test('one snapshot for each scrape, however many metrics', async () => {
    let taken = 0;
    const metrics = createMetrics(() => snapshot({ queues: [{ queue: 0, counters: { packets: ++taken } }] }));
    await metrics.metrics();
    await metrics.metrics();
    expect(taken).toBe(2);
  });

  test('two at once do not disturb each other, nor the global registry', async () => {
    const texts = await Promise.all(
      [1, 2].map((packets) =>
        createMetrics(() => snapshot({ queues: [{ queue: 0, counters: { packets } }] })).metrics(),
      ),
    );
    expect(texts.map((text) => samples(text).get('clear_df_packets_total{queue="0"}'))).toEqual([1, 2]);
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  test('a snapshot that fails fails the scrape, and only that one', async () => {
    let broken = true;
    const metrics = createMetrics(() => {
      if (broken) throw new Error('no counters');
      return snapshot();
    });
    await expect(metrics.metrics()).rejects.toThrow('no counters');
    broken = false;
    expect(await metrics.metrics()).toContain('clear_df_packets_total{queue="0"} 0');
  });
});
