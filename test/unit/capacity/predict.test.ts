import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BATCH_MOST, type Costs, FULL_PACE, meanLength, only, paceAt } from '../../../src/capacity/cost.js';
import { errorsOf, relativeError } from '../../../src/capacity/error.js';
import { expectedRate } from '../../../src/capacity/expect.js';
import { findingsOf, SIZES } from '../../../src/capacity/findings.js';
import { fills, IMIX, LINK_BYTES, MIXES } from '../../../src/capacity/mixes.js';
import { adviceFor, breakEven, BUSY_MOST, IMBALANCE, needs, QUEUES_MOST, reach } from '../../../src/capacity/needs.js';
import { predict } from '../../../src/capacity/predict.js';
import { COSTS, pointOf, somePoints, underLoad } from './samples.js';

const nanoseconds = fc.double({ min: 10, max: 10_000, noNaN: true });
const line = fc.record({ fixed: nanoseconds, perByte: fc.double({ min: 0, max: 3, noNaN: true }) });
const anyCosts: fc.Arbitrary<Costs> = fc.record({
  ...{
    send: line,
    forward: line,
    queue: line,
    clear: line,
    match: nanoseconds,
    look: nanoseconds,
    fastPath: nanoseconds,
  },
  ...{ wake: nanoseconds, batching: nanoseconds, waking: nanoseconds },
});
/** Where the receiving core does not mind how the threads work: a thread more takes smaller batches, which cost it time. */
const calmCosts = anyCosts.map((costs): Costs => ({ ...costs, batching: 0, waking: 0 }));
const length = fc.integer({ min: 56, max: 1500 });
const share = fc.double({ min: 0.01, max: 1, noNaN: true });
const machine = fc.record({ cores: fc.integer({ min: 2, max: 64 }), queues: fc.integer({ min: 1, max: 64 }) });
/** Rounding, in halving and in sums. */
const NEARLY = 1 + 1e-9;

describe('a prediction', () => {
  test('is what the busiest part takes: 3013 ns of a thread, 1506 ns and the batch of the receiving core', () => {
    const load = { mix: only(64), df: 1 };
    // clear: 3000 + 0.2 × 64.
    const clearing = 3000 + 12.8;
    const found = predict(COSTS, load, { cores: 2, receiving: 1, queues: 1 });
    expect(found.limit).toBe('queue threads');
    expect(found.packetsPerSecond).toBeCloseTo(1e9 / clearing, 3);
    expect(found.clearing).toBeCloseTo(1, 9);
    expect(found.bytesPerSecond).toBeCloseTo(64 * found.packetsPerSecond, 3);
    // Three threads need more than one core brings to them: 1500 + 0.3 × 64 + 500 / 64 at least.
    const more = predict(COSTS, load, { cores: 4, receiving: 1, queues: 3 });
    expect(more.limit).toBe('receiving cores');
    expect(more.packetsPerSecond).toBeLessThanOrEqual(1e9 / (1500 + 19.2 + 500 / 64));
  });

  test('shares all cores where all of them receive', () => {
    const { receiving, clearing } = underLoad(600);
    const found = predict(COSTS, { mix: only(600), df: 1 }, { cores: 4, receiving: 4, queues: 4 });
    expect(found.limit).toBe('all cores');
    expect(found.packetsPerSecond).toBeCloseTo(4e9 / (receiving + clearing), 3);
    expect(found.receiving + found.clearing).toBeCloseTo(4, 9);
  });

  test('never falls with a core or a queue more, and keeps no core longer than there is time', () => {
    fc.assert(
      fc.property(calmCosts, length, share, machine, (costs, bytes, df, { cores, queues }) => {
        const load = { mix: only(bytes), df };
        for (const receiving of [1, cores]) {
          const found = predict(costs, load, { cores, receiving, queues });
          expect(found.receiving).toBeLessThanOrEqual(receiving * NEARLY);
          expect(found.receiving + found.clearing).toBeLessThanOrEqual(cores * NEARLY);
          const wider = { cores: cores + 1, receiving: receiving === cores ? cores + 1 : 1, queues };
          expect(predict(costs, load, wider).packetsPerSecond * NEARLY).toBeGreaterThanOrEqual(found.packetsPerSecond);
        }
      }),
    );
  });

  test('never rises with the size, nor with an uneven hash', () => {
    fc.assert(
      fc.property(calmCosts, length, length, share, machine, (costs, one, other, df, { cores, queues }) => {
        const [small, large] = [Math.min(one, other), Math.max(one, other)];
        const at = (bytes: number, imbalance = 1) =>
          predict(costs, { mix: only(bytes), df }, { cores, receiving: cores, queues, imbalance }).packetsPerSecond;
        expect(at(large)).toBeLessThanOrEqual(at(small) * NEARLY);
        expect(at(small, 1.5)).toBeLessThanOrEqual(at(small) * NEARLY);
      }),
    );
  });

  test('refuses a machine without a core, a queue or a receiver', () => {
    const load = { mix: only(64), df: 1 };
    for (const wrong of [{ cores: 0 }, { queues: 0 }, { receiving: 0 }, { receiving: 3 }, { imbalance: 0.9 }]) {
      expect(() => predict(COSTS, load, { cores: 2, receiving: 1, queues: 1, ...wrong })).toThrow(RangeError);
    }
  });
});

describe('the pace of a thread', () => {
  test('full batches when more comes than it can take, single packets and sleep when little does', () => {
    const full = paceAt(COSTS, only(64), 1e6);
    expect(full.batches).toBeCloseTo(FULL_PACE.batches, 9);
    expect(full.wakes).toBeCloseTo(FULL_PACE.wakes, 9);
    // One packet a millisecond: 6 µs of work and 6 µs of waking up for each, idle otherwise.
    const { batches, wakes } = paceAt(COSTS, only(64), 1000);
    for (const value of [batches, wakes]) {
      expect(value).toBeGreaterThan(0.98);
      expect(value).toBeLessThanOrEqual(1);
    }
  });

  test('it sleeps less the more comes, and its batches grow where waking up takes no time', () => {
    fc.assert(
      fc.property(anyCosts, length, fc.integer({ min: 1, max: 5_000_000 }), (costs, bytes, rate) => {
        for (const wake of [costs.wake, 0]) {
          const [pace, faster] = [rate, rate * 1.1].map((each) => paceAt({ ...costs, wake }, only(bytes), each));
          expect(pace!.batches).toBeGreaterThanOrEqual(1 / BATCH_MOST);
          expect(pace!.batches).toBeLessThanOrEqual(1);
          expect(pace!.wakes).toBeLessThanOrEqual(pace!.batches);
          expect(faster!.wakes).toBeLessThanOrEqual(pace!.wakes + 1e-9);
          // Packets that gather while it wakes up make a batch larger than the next one is.
          if (wake === 0) expect(faster!.batches).toBeLessThanOrEqual(pace!.batches + 1e-9);
        }
      }),
    );
  });
});

describe('mixes', () => {
  test('their shares add up to 1; IMIX is 352.3 bytes on average', () => {
    for (const { mix } of MIXES) expect(mix.reduce((sum, { share: part }) => sum + part, 0)).toBeCloseTo(1, 12);
    expect(meanLength(IMIX)).toBeCloseTo((7 * 64 + 4 * 570 + 1500) / 12, 9);
  });

  test('a link of 10 Gbit/s takes 812,744 packets of 1500 bytes in a second: 10^10 / 8 / 1538', () => {
    expect(LINK_BYTES).toBe(38);
    expect(fills(10, only(1500))).toBeCloseTo(1e10 / 8 / 1538, 6);
  });
});

describe('what a link needs', () => {
  test('as many queues and cores as its packets keep busy at 80 %', () => {
    const load = { mix: only(1500), df: 1 };
    const rate = 1e10 / 8 / 1538;
    const { receiving, clearing, tunnelFlag } = underLoad(1500);
    const found = needs(COSTS, load, 10);
    expect(found.queues).toBe(Math.ceil((rate * clearing * IMBALANCE) / 1e9 / BUSY_MOST));
    expect(found.receiving).toBe(Math.ceil((rate * receiving) / 1e9 / BUSY_MOST));
    expect(found.cores).toBe(Math.ceil((rate * (receiving + clearing)) / 1e9 / BUSY_MOST));
    expect(found.tunnelFlagCores).toBe(Math.ceil((rate * tunnelFlag) / 1e9 / BUSY_MOST));
  });

  test('no queue where no packet has DF; never less for more', () => {
    expect(needs(COSTS, { mix: IMIX, df: 0 }, 10).queues).toBe(0);
    fc.assert(
      fc.property(anyCosts, length, share, fc.double({ min: 0.1, max: 100, noNaN: true }), (costs, bytes, df, gbps) => {
        const load = { mix: only(bytes), df };
        const [less, more] = [needs(costs, load, gbps), needs(costs, load, 1.5 * gbps)];
        for (const key of ['queues', 'receiving', 'cores', 'fastPathCores', 'tunnelFlagCores'] as const) {
          expect(more[key]).toBeGreaterThanOrEqual(less[key]);
        }
      }),
    );
  });

  test('what queues reach is what needs them', () => {
    const load = { mix: IMIX, df: 0.7 };
    for (const queues of [1, 4, QUEUES_MOST]) {
      const gbps = reach(COSTS, load, queues) / 1e9;
      expect(needs(COSTS, load, gbps * 0.999).queues).toBe(queues);
      expect(needs(COSTS, load, gbps * 1.001).queues).toBeGreaterThan(queues);
    }
  });

  test('the break-even is one core over the kernel alone', () => {
    const load = { mix: only(600), df: 1 };
    const { receiving, clearing, tunnelFlag } = underLoad(600);
    expect((breakEven(COSTS, load) * (receiving + clearing - tunnelFlag)) / 1e9).toBeCloseTo(1, 9);
    expect(breakEven({ ...COSTS, match: 0 }, { mix: only(600), df: 0 })).toBe(Infinity);
  });

  test('the advice: one queue, several, the kernel when cores or queues are too many, or more cores in any case', () => {
    const base = needs(COSTS, { mix: only(1500), df: 1 }, 1);
    expect(adviceFor(base)).toBe('one queue');
    expect(adviceFor({ ...base, queues: 0 })).toBe('none');
    expect(adviceFor({ ...base, queues: 2, cores: 4 }, 4)).toBe('queues');
    expect(adviceFor({ ...base, queues: 2, cores: 4 }, 3)).toBe('kernel');
    expect(adviceFor({ ...base, queues: QUEUES_MOST + 1 })).toBe('kernel');
    expect(adviceFor({ ...base, tunnelFlagCores: 4, cores: 6 }, 4)).toBe('kernel');
    expect(adviceFor({ ...base, tunnelFlagCores: 5, cores: 6 }, 4)).toBe('cores');
  });
});

describe('errors', () => {
  test('median and worst, by their size', () => {
    const compared = [110, 95, 130, 100].map((predicted) => ({ what: String(predicted), predicted, measured: 100 }));
    expect(relativeError(compared[1]!)).toBeCloseTo(-0.05, 12);
    // Sizes 0, 0.05, 0.1, 0.3.
    expect(errorsOf(compared)).toMatchObject({
      median: expect.closeTo(0.075, 9) as number,
      worstWhat: '130',
      count: 4,
    });
    expect(() => errorsOf([])).toThrow(RangeError);
  });
});

describe('findings', () => {
  test('of points without noise predict what was held out', () => {
    const held = {
      ...pointOf('clear-df', 1000, 1),
      rate: expectedRate(COSTS, { way: 'clear-df', length: 1000, df: 1 }),
    };
    const question = { cores: 4, gbps: [1, 10], sizes: SIZES, df: 1 };
    const found = findingsOf(somePoints(), [held], question);
    expect(found.heldOut).toHaveLength(1);
    expect(found.heldOut[0]!.error).toBeCloseTo(0, 6);
    expect(found.links).toHaveLength(2 * SIZES.length);
    expect(found.oneQueue.map(({ size }) => size)).toEqual(SIZES.map(({ name }) => name));
  });

  test('each method of the bench has its rate', () => {
    const rate = (way: 'send' | 'none' | 'prefilter' | 'fast-path', df: number) =>
      expectedRate(COSTS, { way, length: 100, df });
    // send 1200 + 5; forward 1000 + 10; match 100; look 50; fast path 200.
    expect(rate('send', 1)).toBeCloseTo(1e9 / 1205, 6);
    expect(rate('none', 1)).toBeCloseTo(1e9 / 2215, 6);
    expect(rate('prefilter', 0)).toBeCloseTo(1e9 / 2315, 6);
    expect(rate('fast-path', 1)).toBeCloseTo(1e9 / 2415, 6);
    expect(rate('fast-path', 0)).toBeCloseTo(1e9 / 2265, 6);
  });
});
