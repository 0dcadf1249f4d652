/**
 * Each engine once, and the carriers by a device of their own, on the kernel of this machine's own release: the newest
 * lacks what nft needs. `test/helpers/article.ts` draws the network, which is one for all.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Article, article } from '../helpers/article.js';
import { expectPassage, PLAIN, VTI, XFRM_INTERFACE } from '../helpers/carriers.js';
import { describeKernels } from './kernels.js';

describeKernels(['own'], 'each engine', (guest) => {
  let net: Article;
  beforeAll(async () => {
    // Before all else: they stay, and bring devices and parameters that would look like changes.
    await guest().modprobe('ip_gre', 'ip_vti', 'xfrm_interface', 'esp4', 'br_netfilter');
    net = await article(guest());
  });
  afterAll(() => net.lab[Symbol.asyncDispose]());

  it.each([PLAIN, VTI, XFRM_INTERFACE])(
    '$name: passes whole, as planned, and leaves nothing behind',
    async (passage) => {
      await expectPassage(net, passage);
      expect(await guest().kernelComplaints()).toEqual([]);
    },
  );
});
