import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Costs } from '../../../src/capacity/cost.js';
import { fit } from '../../../src/capacity/fit.js';
import { leastSquares } from '../../../src/capacity/least-squares.js';
import { randomSource } from '../../../src/capacity/random.js';
import { COSTS, somePoints } from './samples.js';

/** Every number of the costs, by its path. */
function flat(costs: Costs): Record<string, number> {
  return Object.fromEntries(
    Object.entries(costs).flatMap(([name, cost]) =>
      typeof cost === 'number'
        ? [[name, cost]]
        : Object.entries(cost as Record<string, number>).map(([part, value]) => [`${name}.${part}`, value]),
    ),
  );
}

describe('least squares', () => {
  test('finds what the rows are made of', () => {
    const positive = fc.double({ min: 1, max: 1000, noNaN: true });
    fc.assert(
      fc.property(positive, positive, fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 2 }), (a, b, xs) => {
        const rows = xs.map((x) => ({ factors: { a: 1, b: x }, value: a + b * x }));
        const found = leastSquares(rows, ['a', 'b']);
        expect(found.a).toBeCloseTo(a, 4);
        expect(found.b).toBeCloseTo(b, 4);
      }),
    );
  });

  test('weighs by relative error: ten percent count the same for a small value and for a large one', () => {
    const rows = [
      { factors: { a: 1 }, value: 90 },
      { factors: { a: 10 }, value: 1100 },
    ];
    // Least of (a/90 - 1)² + (a/110 - 1)²: a = (1/90 + 1/110) / (1/90² + 1/110²) = 98.02; by absolute error 109.8.
    expect(leastSquares(rows, ['a']).a).toBeCloseTo(98.02, 2);
  });

  test('has 0 for what no row speaks of, for what the others say as well, and for what would be negative', () => {
    const rows = [1, 2, 3].map((x) => ({ factors: { a: x, double: 2 * x, unseen: 0, less: 1 }, value: 10 * x - 1 }));
    const { a, double, unseen, less } = leastSquares(rows, ['a', 'double', 'unseen', 'less']);
    expect({ double, unseen, less }).toEqual({ double: 0, unseen: 0, less: 0 });
    expect(a).toBeGreaterThan(9);
  });

  test('refuses a value that is not above 0', () => {
    for (const value of [0, -1, NaN]) {
      expect(() => leastSquares([{ factors: { a: 1 }, value }], ['a'])).toThrow(/greater than 0/);
    }
  });
});

describe('the fit', () => {
  test('recovers every cost from points without noise', () => {
    const found = flat(fit(somePoints()));
    for (const [name, value] of Object.entries(flat(COSTS))) expect(found[name], name).toBeCloseTo(value, 3);
  });

  test('comes near from points that are off by up to 2 %', () => {
    const random = randomSource(1);
    const noisy = () => 1 + 0.04 * (random() - 0.5);
    const points = Array.from({ length: 20 }, somePoints)
      .flat()
      .map((point) => ({
        ...point,
        receiving: point.receiving * noisy(),
        ...(point.clearing === undefined ? {} : { clearing: point.clearing * noisy() }),
      }));
    const found = fit(points);
    // Twenty points of each kind leave 2 % / √12 / √20 = 0.13 % of a sum of about 3 µs: 4 ns, of a difference twice that.
    expect(Math.abs(found.queue.fixed / COSTS.queue.fixed - 1)).toBeLessThan(0.05);
    expect(Math.abs(found.clear.fixed / COSTS.clear.fixed - 1)).toBeLessThan(0.05);
    expect(Math.abs(found.forward.fixed / COSTS.forward.fixed - 1)).toBeLessThan(0.05);
    expect(Math.abs(found.wake / COSTS.wake - 1)).toBeLessThan(0.1);
  });
});
