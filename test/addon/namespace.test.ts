/** Which network namespace this is: the same for every process in it, and never the same again. */
import { expect, test } from 'vitest';
import { fixture } from './run.js';

test('a network namespace has one identity, and each new one another', async () => {
  const { result, stderr, exitCode } = await fixture(['namespace.cjs']);
  expect(exitCode, stderr).toBe(0);
  const { here, elsewhere } = result as { here: string[]; elsewhere: string[] };
  for (const id of [...here, ...elsewhere]) expect(id).toMatch(/^(cookie|lo)-\d+$/);
  expect(here[1]).toBe(here[0]);
  expect(new Set([here[0], ...elsewhere]).size).toBe(3);
}, 60_000);
