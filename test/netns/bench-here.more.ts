/** `clear-df bench --here`: the variants that `bench-here.test.ts` has no time for. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expectNothingLeft, killBench, ONE_CORE, startBench } from '../helpers/bench-here.js';

beforeEach((context) => {
  if (ONE_CORE) context.skip('kernel: it gives this process one core');
});
afterEach(killBench);

it('prints tables and advice for people', async () => {
  const bench = startBench();
  expect(await bench.wait()).toMatchObject({ exitCode: 0 });
  expect(bench.stdout).toMatch(/What one queue takes here, DF set in 100 %/);
  expect(bench.stdout).toMatch(/^25 Gbit\/s of IMIX .*(one queue|several queues|in the kernel|more cores)$/m);
  expect(bench.stdout).not.toMatch(/NaN|undefined|Infinity/);
});

it.each([
  ['SIGINT', /no rule, 72 bytes/],
  ['SIGTERM', /clear-df, DF in 0 %, 72 bytes/],
] as const)('ended by %s behind "%s", leaves no namespace, no process and no rule', expectNothingLeft);
