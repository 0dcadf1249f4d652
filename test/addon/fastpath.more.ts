/** What the fast path and the queue make of very many packets. */
import { expect, it } from 'vitest';
import { compareRules } from '../helpers/fast-program.js';

it.each([
  ['random', 2],
  ['keep', 3],
] as const)('100,000 frames: every byte but the identification is that of the queue, %s', (policy, seed) => {
  const { cleared, different } = compareRules(100_000, seed, policy);
  expect(different).toEqual([]);
  expect(cleared).toBeGreaterThan(40_000);
});
