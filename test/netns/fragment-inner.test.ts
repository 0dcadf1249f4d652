/**
 * A WAN that loses every fragment, and a tunnel before which the bridge cuts: `test/helpers/fragment-inner.ts` has both, and
 * the arithmetic. The rest is in `fragment-inner.more.ts`.
 */
import { expect, it } from 'vitest';
import { article } from '../helpers/article.js';
import { expectFlowsWhole } from '../helpers/flows.js';
import { expectCutBefore, fragmentsLost, innerEnds, loseFragments, WIRE } from '../helpers/fragment-inner.js';
import { localMachine } from '../helpers/local-machine.js';
import { routerText } from '../helpers/router-text.js';
import { downBoth, upBoth } from '../helpers/tunnel.js';

it('carries full-size packets over a path that loses fragments, in pieces that are whole outside', async () => {
  const net = await article(localMachine);
  await using _lab = net.lab;
  await loseFragments(net);
  const before = await routerText(net.rA);
  const ends = await innerEnds(net, 'vxlan');
  await upBoth(ends);
  await expectCutBefore(net, ends, WIRE.vxlan);
  // TCP in GSO packets, and datagrams of 1500 bytes.
  await expectFlowsWhole(net, 200_000, 32);
  expect(await fragmentsLost(net)).toBe(0);
  await downBoth(ends);
  expect(await routerText(net.rA)).toEqual(before);
});
