import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { COUNTER_NAMES } from '../../src/counters.js';
import { ratesBetween } from '../../src/report/rates.js';
import { readSnapshot } from '../../src/report/read.js';
import { share, snapshotSource } from '../../src/report/snapshot.js';
import { counters, kernelRow, portOf, snapshot } from './report-samples.js';

const BUSIEST = { destination: '198.51.100.2', protocol: 47, perSecond: 655.35, wrapSeconds: 100 };

describe('buildSnapshot', () => {
  test('sums the queues and keeps each', () => {
    const now = snapshot({
      queues: [
        { queue: 0, counters: { packets: 10, leaked: 2 } },
        { queue: 1, companion: true, counters: { packets: 28 } },
      ],
    });
    expect(now.totals).toEqual(counters({ packets: 38, leaked: 2 }));
    expect(now.leakedShare).toBe(2 / 40);
    expect(now.queues.map(({ queue, companion, portId }) => [queue, companion, portId])).toEqual([
      [0, false, portOf(0)],
      [1, true, portOf(1)],
    ]);
    expect('queues' in now.totals || 'busiest' in now.totals).toBe(false);
  });

  test("takes the kernel's row only from the socket that is ours", () => {
    const rows = [
      kernelRow(0, { waiting: 5, queueDropped: 6, userDropped: 7 }),
      kernelRow(1, { portId: 99, waiting: 1000 }),
    ];
    const queues = [{ queue: 0 }, { queue: 1 }, { queue: 2 }];
    const now = snapshot({ queues, kernel: { state: 'known', rows, unread: [] } });
    expect(now.queues.map(({ kernel }) => kernel)).toEqual([
      { state: 'held', waiting: 5, queueDropped: 6, userDropped: 7 },
      { state: 'other', portId: 99 },
      { state: 'unbound' },
    ]);
    expect(now.kernelUnknown).toBeUndefined();
  });

  test('a port id that came as a signed number is the same port id', () => {
    const now = snapshot({
      kernel: { state: 'known', rows: [kernelRow(0, { portId: 4_294_963_157 })], unread: [] },
      parts: { ports: [{ queue: 0, portId: -4139 }] },
    });
    expect(now.queues[0]).toMatchObject({ portId: 4_294_963_157, kernel: { state: 'held' } });
  });

  test('never guesses what the kernel did not tell', () => {
    const untold = snapshot({
      kernel: { state: 'unknown', reason: 'proc-not-mounted', detail: '/proc is not mounted' },
    });
    expect(untold.queues[0]?.kernel).toEqual({ state: 'unknown' });
    expect(untold.kernelUnknown).toBe('/proc is not mounted');
    const strange = snapshot({ kernel: { state: 'known', rows: [], unread: ['???'] } });
    expect(strange.queues[0]?.kernel).toEqual({ state: 'unknown' });
  });

  test('leaves out a busiest triple that gives out no identifications', () => {
    const idle = { ...BUSIEST, perSecond: 0, wrapSeconds: Infinity };
    const stats = { ...counters(), queues: [] };
    expect(snapshot({ parts: { stats: { ...stats, busiest: idle } } }).busiest).toBeUndefined();
    expect(snapshot({ parts: { stats: { ...stats, busiest: BUSIEST } } }).busiest).toEqual(BUSIEST);
  });
});

test('share of nothing is 0', () => {
  expect([share(0, 0), share(1, 4)]).toEqual([0, 0.25]);
});

test('snapshotSource reads everything anew each time, with one start', () => {
  let packets = 0;
  const take = snapshotSource({
    mangler: {
      stats: () => ({ ...counters({ packets: ++packets }), queues: [] }),
      ports: [],
      settings: [],
      companion: 9,
    },
    readKernel: () => ({ state: 'unknown', reason: 'not-loaded', detail: 'nothing' }),
    version: '9.9.9',
    name: () => (packets < 1 ? 'berlin' : 'paris'),
  });
  const [first, second] = [take(), take()];
  expect([first.totals.packets, second.totals.packets]).toEqual([1, 2]);
  expect([first.name, second.name]).toEqual(['berlin', 'paris']);
  expect(second.startedAt).toBe(first.startedAt);
  expect(Math.abs(first.startedAt - Date.now() / 1000)).toBeLessThan(60);
  expect(second.uptimeSeconds).toBeGreaterThanOrEqual(first.uptimeSeconds);
  expect(first).toMatchObject({ version: '9.9.9', name: 'berlin', companion: 9, kernelUnknown: 'nothing' });
});

test('without /proc, or a descriptor to read it, a snapshot does without the process', () => {
  const rss = vi.spyOn(process.memoryUsage, 'rss').mockImplementation(() => {
    throw new Error('EMFILE: too many open files, uv_resident_set_memory');
  });
  const take = snapshotSource({
    mangler: { stats: () => ({ ...counters({}), queues: [] }), ports: [], settings: [], companion: undefined },
    readKernel: () => ({ state: 'unknown', reason: 'not-loaded', detail: 'nothing' }),
    version: '9.9.9',
  });
  expect(take()).not.toHaveProperty('process');
  rss.mockRestore();
  expect(take()).toHaveProperty('process');
});

describe('readSnapshot', () => {
  const full = snapshot({
    queues: [
      { queue: 0, counters: { packets: 3 } },
      { queue: 1, companion: true },
    ],
    parts: {
      name: 'berlin',
      companion: 1,
      settings: [
        { queue: 0, setting: 'gso', required: false, value: 1 },
        { queue: 1, setting: 'receive-buffer', required: false, value: 65_536, refused: 'EPERM' },
      ],
    },
  });
  const overHttp = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

  test('gives back what was sent', () => {
    expect(readSnapshot(overHttp(full))).toEqual(full);
    const busiest = { ...full, busiest: BUSIEST };
    expect(readSnapshot(overHttp(busiest))).toEqual(busiest);
  });

  test('takes a version with fewer and with more counters', () => {
    const totals: Record<string, number> = { ...full.totals, invented: 5 };
    delete totals['requeued'];
    const read = readSnapshot({ ...full, totals, invented: true });
    expect(read?.totals).toEqual(full.totals);
    expect(read).not.toHaveProperty('invented');
  });

  test.each([
    ['nothing', undefined],
    ['an empty object', {}],
    ['a list', []],
    ['counters that are words', { ...full, totals: { packets: '3' } }],
    ['a negative counter', { ...full, totals: { packets: -3 } }],
    ['no queues', { ...full, queues: undefined }],
    ['a queue number that does not exist', { ...full, companion: 65_536 }],
    ['a name that steers the terminal', { ...full, name: '\x1b[2J' }],
  ])('refuses %s', (_, value) => {
    expect(readSnapshot(value)).toBeUndefined();
  });

  test('never throws', () => {
    fc.assert(fc.property(fc.anything(), (value) => void readSnapshot(value)));
  });
});

describe('ratesBetween', () => {
  const at = (uptimeSeconds: number, packets: number, more: object = {}) =>
    snapshot({
      queues: [{ queue: 0, counters: { packets, bytes: packets * 100 } }],
      parts: { uptimeSeconds, ...more },
    });

  test('divides what was added by the time between', () => {
    const rates = ratesBetween(at(14, 500), at(10, 100));
    expect(rates).toMatchObject({ seconds: 4, restarted: false, counters: { packets: 100, bytes: 10_000, leaked: 0 } });
    expect(rates?.queues).toMatchObject([{ queue: 0, counters: { packets: 100 } }]);
  });

  test('without an earlier reading: the mean since start', () => {
    expect(ratesBetween(at(20, 500))).toMatchObject({ seconds: 20, restarted: false, counters: { packets: 25 } });
  });

  test('a daemon that started anew counts from its start', () => {
    const anew = at(2, 50, { startedAt: 1_700_000_100 });
    expect(ratesBetween(anew, at(10, 10))).toMatchObject({ seconds: 2, restarted: true, counters: { packets: 25 } });
    expect(ratesBetween(at(2, 50), at(10, 10))).toMatchObject({ restarted: true, counters: { packets: 25 } });
  });

  test('no time between: no rates', () => {
    expect(ratesBetween(at(10, 500), at(10, 100))).toBeUndefined();
    expect(ratesBetween(at(0, 0))).toBeUndefined();
  });

  test('drops by the kernel, also across a queue that was bound again or was not known', () => {
    const dropping = (uptimeSeconds: number, kernel: Parameters<typeof snapshot>[0] & object) =>
      snapshot({ ...kernel, parts: { uptimeSeconds } });
    const row = (queueDropped: number, userDropped: number) => ({
      kernel: { state: 'known' as const, rows: [kernelRow(0, { queueDropped, userDropped })], unread: [] },
    });
    const unknown = { kernel: { state: 'unknown' as const, reason: 'not-loaded' as const, detail: '' } };
    expect(ratesBetween(dropping(12, row(30, 7)), dropping(10, row(10, 7)))?.queues).toMatchObject([
      { queueDropped: 10, userDropped: 0 },
    ]);
    expect(ratesBetween(dropping(12, row(4, 7)), dropping(10, row(10, 7)))?.queues).toMatchObject([
      { queueDropped: 2 },
    ]);
    for (const [after, before] of [
      [row(9, 9), unknown],
      [unknown, row(9, 9)],
    ] as const) {
      const queue = ratesBetween(dropping(12, after), dropping(10, before))?.queues[0];
      expect([queue?.queueDropped, queue?.userDropped]).toEqual([undefined, undefined]);
    }
  });

  test('is never negative nor infinite, whatever the readings', () => {
    const any = fc
      .tuple(fc.nat(100), fc.nat(1_000_000), fc.nat(3))
      .map(([uptime, packets, start]) => at(uptime, packets, { startedAt: 1_700_000_000 + start }));
    fc.assert(
      fc.property(any, any, (after, before) => {
        const rates = ratesBetween(after, before);
        fc.pre(rates !== undefined);
        for (const name of COUNTER_NAMES) {
          expect(Number.isFinite(rates.counters[name])).toBe(true);
          expect(rates.counters[name]).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
