/** The bench counts every packet: contenders that `bench.test.ts` has no time for. */
import { cpus } from 'node:os';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { check } from '../../bench/check.js';
import { contender } from '../../bench/contenders/table.js';
import { pin, planCores } from '../../bench/lab/cores.js';
import { type Network, network } from '../../bench/lab/network.js';

const ONE_CORE = cpus().length < 2;

let net: Network;
beforeAll(async () => {
  if (ONE_CORE) return;
  await pin(planCores().receiver);
  net = await network();
});
afterAll(async () => {
  if (!ONE_CORE) await net.lab[Symbol.asyncDispose]();
});
beforeEach((context) => {
  if (ONE_CORE) context.skip('kernel: it has one core, and the bench takes two');
});

describe('the bench counts every packet of', () => {
  it('null', async () => {
    expect(await check(net, contender('null'))).toEqual([]);
  });

  it('nft', async (context) => {
    const wrong = await check(net, contender('nft'));
    // Kernels after 6.18 take the rule and do nothing.
    if (wrong.some((what) => /packets with DF: 4000/.test(what))) context.skip('kernel: nft does not write frag-off');
    expect(wrong).toEqual([]);
  });
});
