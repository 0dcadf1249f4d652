/**
 * `clear-df bench --here`, every measurement as short as it may be; `bench-here.test.ts` draws the network. What it
 * measures is not judged here, only that all is measured and nothing stays.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { at } from '../../src/capacity/cost.js';
import type { BenchResult } from '../../src/commands/bench.js';
import { TRIALS } from '../../src/commands/bench/trials.js';
import {
  expectNothingLeft,
  hostRules,
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

it('measures everything, and leaves nothing behind', async () => {
  const rulesBefore = await hostRules();
  const bench = startBench('--json', '--gbps', '2.5', '--size', 'imix', '--df', '50');
  const { pid } = bench;
  const { exitCode } = await bench.wait();
  expect({ exitCode, stderr: bench.stderr }).toMatchObject({ exitCode: 0 });
  const result = JSON.parse(bench.stdout) as BenchResult;
  expect(result.points.map(({ way, length, df }) => [way, length, Math.round(100 * df)])).toEqual(
    TRIALS.map(({ way, length, df }) => [way, length, df]),
  );
  for (const point of result.points) {
    expect(point.receiving).toBeGreaterThan(0);
    expect(point.rate).toBeGreaterThan(0);
    if (point.way === 'clear-df' && point.df > 0) expect(point.clearing).toBeGreaterThan(0);
  }
  expect(at(result.costs.clear, 1400)).toBeGreaterThan(0);
  expect(result.links.map(({ gbps, size }) => [gbps, size])).toEqual([[2.5, 'IMIX']]);
  expect(result.heldOut).toHaveLength(TRIALS.filter(({ heldOut }) => heldOut).length);
  expect(namespacesOf(pid)).toEqual([]);
  expect(await hostRules()).toBe(rulesBefore);
});

it('prints tables and advice for people', async () => {
  const bench = startBench();
  expect(await bench.wait()).toMatchObject({ exitCode: 0 });
  expect(bench.stdout).toMatch(/What one queue takes here, DF set in 100 %/);
  expect(bench.stdout).toMatch(/^25 Gbit\/s of IMIX .*(one queue|several queues|in the kernel|more cores)$/m);
  expect(bench.stdout).not.toMatch(/NaN|undefined|Infinity/);
});

it.each<[NodeJS.Signals, RegExp, string?]>([
  ['SIGINT', /no rule, 72 bytes/],
  ['SIGINT', /clear-df, DF in 0 %, 72 bytes/],
  ['SIGTERM', /loads core/, '10'],
])('ended by %s behind "%s", leaves no namespace, no process and no rule', expectNothingLeft);

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
