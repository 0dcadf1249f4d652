/** The bench counts every packet: a contender that `bench.test.ts` has no time for. */
import { cpus } from 'node:os';
import { expect, it } from 'vitest';
import { check } from '../../bench/check.js';
import { contender } from '../../bench/contenders/table.js';
import { pin, planCores } from '../../bench/lab/cores.js';
import { network } from '../../bench/lab/network.js';

it('of null', async (context) => {
  if (cpus().length < 2) context.skip('kernel: it has one core, and the bench takes two');
  await pin(planCores().receiver);
  const net = await network();
  await using _ = net.lab;
  expect(await check(net, contender('null'))).toEqual([]);
});
