import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  COUNTERS,
  COUNTER_NAMES,
  type Counters,
  delta,
  fromBlock,
  merge,
  snakeCase,
  zeroCounters,
} from '../../src/counters.js';
import { PASSED } from '../../src/report/passed.js';

/** Small enough that sums stay exact. */
const reading = fc.record(
  Object.fromEntries(COUNTER_NAMES.map((name) => [name, fc.nat({ max: 2 ** 31 })])),
) as fc.Arbitrary<Counters>;

describe('merge', () => {
  test('of nothing is zero, of one is that one', () => {
    expect(merge([])).toEqual(zeroCounters());
    fc.assert(fc.property(reading, (one) => void expect(merge([one])).toEqual(one)));
  });

  test('neither order nor grouping matters', () => {
    fc.assert(
      fc.property(reading, reading, reading, (a, b, c) => {
        expect(merge([a, b, c])).toEqual(merge([c, merge([b, a])]));
      }),
    );
  });

  test('leaves its readings as they were', () => {
    const one = { ...zeroCounters(), packets: 3 };
    merge([one, one]);
    expect(one.packets).toBe(3);
  });
});

describe('delta', () => {
  test('undoes merge: what was added is what comes out', () => {
    fc.assert(
      fc.property(
        reading,
        reading,
        (before, added) => void expect(delta(merge([before, added]), before)).toEqual(added),
      ),
    );
  });

  test('is never negative, and a counter that went back counts from 0', () => {
    fc.assert(
      fc.property(reading, reading, (after, before) => {
        const added = delta(after, before);
        for (const name of COUNTER_NAMES) {
          expect(added[name]).toBe(after[name] < before[name] ? after[name] : after[name] - before[name]);
          expect(added[name]).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test('of a reading and itself is zero', () => {
    fc.assert(fc.property(reading, (one) => void expect(delta(one, one)).toEqual(zeroCounters())));
  });
});

test('fromBlock gives each number its name in the order of the native block', () => {
  const named = fromBlock(BigUint64Array.from(COUNTER_NAMES, (_, i) => BigInt(i) + 100n));
  expect(Object.keys(named)).toEqual(COUNTER_NAMES);
  expect(Object.values(named)).toEqual(COUNTER_NAMES.map((_, i) => i + 100));
});

test('fromBlock is exact up to 2^53 - 1', () => {
  expect(fromBlock(BigUint64Array.of(2n ** 53n - 1n)).packets).toBe(Number.MAX_SAFE_INTEGER);
});

test('snakeCase makes names that no two counters share', () => {
  expect(snakeCase('alreadyClear')).toBe('already_clear');
  expect(snakeCase('notIpv4')).toBe('not_ipv4');
  expect(new Set(COUNTER_NAMES.map(snakeCase)).size).toBe(COUNTER_NAMES.length);
});

test('every reason for passing a packet unchanged has help that says that it is one', () => {
  expect([...PASSED]).toEqual(COUNTER_NAMES.filter((name) => COUNTERS[name].help.startsWith('Passed unchanged')));
});
