/**
 * The other carriers once, on the newest kernel, by engine tunnel-flag; more of each by a file of its own.
 * `test/helpers/article.ts` draws the network, which is one for all.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Article, article } from '../helpers/article.js';
import { ESP_TRANSPORT, expectPassage, SRV6, UDP_TRANSPORT, WIREGUARD } from '../helpers/carriers.js';
import { describeKernels } from './kernels.js';

describeKernels(['newest'], 'each carrier', (guest) => {
  let net: Article;
  beforeAll(async () => {
    // Before all else: they stay, and bring devices, parameters and rules that would look like changes.
    await guest().modprobe('ip_gre', 'esp4', 'br_netfilter', 'vrf', 'wireguard');
    net = await article(guest());
  });
  afterAll(() => net.lab[Symbol.asyncDispose]());

  // WireGuard stays set up, and goes on keeping itself alive: last.
  it.each([ESP_TRANSPORT, SRV6, UDP_TRANSPORT, WIREGUARD])(
    '$name: passes whole, as planned, and leaves nothing behind',
    async (passage) => {
      await expectPassage(net, passage);
      expect(await guest().kernelComplaints()).toEqual([]);
    },
  );
});
