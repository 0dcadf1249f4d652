import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Arrivals, arrive } from '../../../src/capacity/arrivals.js';
import { BATCH_MOST, only, paceAt } from '../../../src/capacity/cost.js';
import { flowsNeeded, imbalanceOf, likelyImbalance, shares } from '../../../src/capacity/flows.js';
import { randomSource } from '../../../src/capacity/random.js';
import { bridges, roomFor } from '../../../src/capacity/room.js';
import { simulateQueue, type Worker } from '../../../src/capacity/simulate.js';
import { simulateRouter, summarize } from '../../../src/capacity/summary.js';
import { workerOf } from '../../../src/capacity/worker.js';
import { COSTS } from './samples.js';

/** One packet a microsecond, one by one, always awake, room for all. */
const PLAIN: Worker = {
  ...{ packet: 1000, batch: 1, wake: 0, wakeDelay: 0, room: Infinity, coalesce: 0 },
};

const anyWorker: fc.Arbitrary<Worker> = fc.record({
  packet: fc.integer({ min: 1, max: 5000 }),
  batch: fc.integer({ min: 1, max: 64 }),
  wake: fc.integer({ min: 0, max: 10_000 }),
  wakeDelay: fc.integer({ min: 0, max: 50_000 }),
  room: fc.integer({ min: 1, max: 200 }),
  coalesce: fc.integer({ min: 0, max: 100_000 }),
});
const anyArrivals: fc.Arbitrary<Arrivals> = fc.record({
  kind: fc.constantFrom('even', 'poisson', 'bursts'),
  rate: fc.integer({ min: 1000, max: 2_000_000 }),
  size: fc.integer({ min: 1, max: 100 }),
  gap: fc.integer({ min: 0, max: 1000 }),
});

describe('arrivals', () => {
  test('come in order, before the end, and about as many as the rate says', () => {
    for (const kind of ['even', 'poisson', 'bursts'] as const) {
      const times = [...arrive({ kind, rate: 100_000, size: 10, gap: 50 }, 1e9, randomSource(1))];
      expect(times.every((time, i) => time < 1e9 && time >= (times[i - 1] ?? 0))).toBe(true);
      // Of 10,000 bursts of 10, one standard deviation is 1 %.
      expect(times.length).toBeGreaterThan(96_000);
      expect(times.length).toBeLessThan(104_000);
    }
  });

  test('a rate of 0 is refused', () => {
    expect(() => [...arrive({ kind: 'even', rate: 0 }, 1, randomSource(1))]).toThrow(RangeError);
  });
});

describe('one queue', () => {
  test.each([0.3, 0.5, 0.7, 0.9])('delays as M/D/1 has it, at a load of %d', (load) => {
    // Pollaczek and Khinchine: D + load × D / (2 × (1 − load)), D = 1000 ns.
    const expected = 1000 + (load * 1000) / (2 * (1 - load));
    const found = summarize([simulateQueue({ kind: 'poisson', rate: load * 1e6 }, PLAIN, 2, 7)]);
    expect(Math.abs(found.delay.mean / expected - 1)).toBeLessThan(0.03);
    expect(found.cpuPerPacket).toBeCloseTo(1000, 6);
  });

  test('loses what a full buffer loses: at twice what it can take, half', () => {
    const found = simulateQueue({ kind: 'even', rate: 2e6 }, { ...PLAIN, room: 100 }, 0.1, 1);
    // 200,000 come in 0.1 s, 100,000 are answered in it, 100 more wait at the end.
    expect(found.arrived).toBe(200_000);
    expect(found.lost).toBeGreaterThan(99_800);
    expect(found.lost).toBeLessThan(100_000);
    expect(Math.max(...found.delays)).toBeLessThanOrEqual(100 * 1000 + 1);
  });

  test('an idle thread wakes for each packet; coalescing wakes it less, and keeps packets longer', () => {
    const worker = { ...PLAIN, batch: 64, wake: 2000, wakeDelay: 10_000 };
    const slow = summarize([simulateQueue({ kind: 'even', rate: 1000 }, worker, 1, 1)]);
    expect(slow.wakes).toBe(1);
    // Woken 10 µs after it came, 2 µs to wake, 1 µs of work.
    expect(slow.delay).toMatchObject({ median: 13_000, p99: 13_000 });
    const busy = { kind: 'poisson', rate: 50_000 } as const;
    const [off, on] = [0, 100_000].map((coalesce) => summarize([simulateQueue(busy, { ...worker, coalesce }, 1, 1)]));
    expect(on!.wakes).toBeLessThan(off!.wakes / 2);
    expect(on!.cpuPerPacket).toBeLessThan(off!.cpuPerPacket);
    expect(on!.delay.median).toBeGreaterThan(off!.delay.median);
  });

  test.each(
    [20_000, 80_000, 150_000, 250_000, 300_000].flatMap((rate) => [
      [rate, 0],
      [rate, 50_000],
    ]),
  )('works at the pace that the formula has, at %d a second, with pauses of %d ns', (rate, coalesce) => {
    const worker = workerOf(COSTS, { length: 600, wakeDelay: 0, coalesce });
    const found = summarize([simulateQueue({ kind: 'poisson', rate }, worker, 2, 3)]);
    const { wakes } = paceAt(COSTS, only(600), rate, coalesce);
    // 600 bytes: 3120 ns a packet, 6000 ns to wake up.
    const cpu = 3120 + 6000 * wakes;
    expect(Math.abs(found.cpuPerPacket / cpu - 1)).toBeLessThan(0.03);
    expect(Math.abs(found.wakes - wakes)).toBeLessThan(0.02);
  });

  test('every packet that came was answered or lost, in no less time than its work takes', () => {
    fc.assert(
      fc.property(anyArrivals, anyWorker, fc.integer(), (arrivals, worker, seed) => {
        const found = simulateQueue(arrivals, worker, 0.005, seed);
        expect(found.answered + found.lost).toBe(found.arrived);
        expect(found.delays).toHaveLength(found.answered);
        expect(found.delays.every((delay) => delay >= worker.packet)).toBe(true);
        expect(found.batches * worker.batch).toBeGreaterThanOrEqual(found.answered);
        const work = found.answered * worker.packet + found.wakes * worker.wake;
        expect(found.busy).toBeCloseTo(work, 3);
        expect(found.elapsed).toBeGreaterThanOrEqual(found.busy * 0.999999);
      }),
    );
  });

  test('the same seed gives the same, another one does not', () => {
    const run = (seed: number) => simulateQueue({ kind: 'poisson', rate: 300_000 }, PLAIN, 0.01, seed);
    expect(run(5)).toEqual(run(5));
    expect(run(5).delays).not.toEqual(run(6).delays);
  });
});

describe('several queues', () => {
  test('of even flows take as many times more, and an uneven hash keeps the others waiting', () => {
    const rate = 0.5 * 8 * 1e6;
    const many = simulateRouter({ queues: 8, flows: 4096, worker: PLAIN }, { kind: 'poisson', rate }, 0.05, 1);
    expect(many.packetsPerSecond / rate).toBeGreaterThan(0.95);
    expect(many.lost).toBe(0);
    const few = simulateRouter({ queues: 8, flows: 8, worker: PLAIN }, { kind: 'poisson', rate }, 0.05, 1);
    expect(few.busiest).toBeGreaterThan(many.busiest);
  });
});

describe('hashes', () => {
  test('shares add up to 1, and the busiest has its share at least', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 32 }),
        fc.integer(),
        (flows, queues, seed) => {
          const found = shares(flows, queues, randomSource(seed));
          expect(found).toHaveLength(queues);
          expect(found.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
          expect(imbalanceOf(found)).toBeGreaterThanOrEqual(1 - 1e-9);
        },
      ),
    );
  });

  test('one flow is one queue, however many there are', () => {
    expect(likelyImbalance(1, 8, 1)).toBe(8);
    expect(flowsNeeded(1, 1.3, 1)).toBe(1);
  });

  test('with as many flows as are needed, less than the most; with a tenth of them, more', () => {
    for (const queues of [2, 4, 8]) {
      const flows = flowsNeeded(queues, 1.3, 1);
      expect(likelyImbalance(flows, queues, 1)).toBeLessThan(1.3);
      expect(likelyImbalance(Math.ceil(flows / 10), queues, 1)).toBeGreaterThan(1.3);
    }
    expect(() => flowsNeeded(2, 1, 1)).toThrow(RangeError);
  });
});

describe('the receive buffer', () => {
  test('holds fewer large packets than small ones', () => {
    // 64 + 180 + 320 bytes take 1024 and 256 more; 1400 + 500 take 2048 and 256.
    expect(roomFor(only(64), 1_280_000)).toBe(1000);
    expect(roomFor(only(1400), 2_304_000)).toBe(1000);
    // As many as the kernel was seen to hold in 128 MiB: 2^27 / 2304, and no more than 65,536.
    expect(roomFor(only(1400), 2 ** 27)).toBe(58_254);
    expect(roomFor(only(64), 2 ** 27)).toBe(65_536);
  });

  test('bridges less at a higher rate, and more where fewer packets have DF', () => {
    const all = { mix: only(1400), df: 1 };
    expect(bridges(all, 58_254)).toBeCloseTo(1, 9);
    expect(bridges(all, 116_508)).toBeCloseTo(0.5, 9);
    expect(bridges({ ...all, df: 0.1 }, 58_254)).toBeCloseTo(10, 9);
  });

  test('is that of the simulated thread, which takes full batches', () => {
    expect(workerOf(COSTS, { length: 1400, wakeDelay: 0 })).toMatchObject({ batch: BATCH_MOST, room: 58_254 });
  });
});
