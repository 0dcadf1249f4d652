/** `clear-df bench --here`: the variants that `bench-here.test.ts` has no time for. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  expectNothingLeft,
  isAlive,
  isSender,
  killBench,
  namespacesOf,
  ONE_CORE,
  processesIn,
  startBench,
} from '../helpers/bench-here.js';
import { until } from '../helpers/until.js';

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
  ['SIGINT', /clear-df, DF in 0 %, 72 bytes/],
  ['SIGTERM', /loads core/],
] as const)('ended by %s behind "%s", leaves no namespace, no process and no rule', expectNothingLeft);

it('takes away what a killed one has left, its processes too', async () => {
  // So long that its sender is there.
  const killed = startBench('--seconds', '10');
  const { pid } = killed;
  const inside = await until('its sender is there', async () => {
    const found = await processesIn(namespacesOf(pid));
    return found.some(isSender) && found;
  });
  await killed.stop('SIGKILL');
  expect(namespacesOf(pid)).toHaveLength(3);
  const next = startBench();
  await next.says(/removed leftovers of a killed bench/);
  expect(namespacesOf(pid)).toEqual([]);
  await until('its processes are gone', () => !inside.some(isAlive));
  expect(await next.stop('SIGTERM')).toEqual({ exitCode: 1, signal: undefined });
});
