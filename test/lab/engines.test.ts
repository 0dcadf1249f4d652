/**
 * Each engine once, and ESP, on the kernel of this machine's own release. `test/helpers/article.ts` draws the network, which is
 * one for all.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Article, article } from '../helpers/article.js';
import { ESP_TUNNEL, expectPassage, PLAIN } from '../helpers/carriers.js';
import { describeKernels } from './kernels.js';

const PASSAGES = [PLAIN.brNetfilter, PLAIN.nftBridge, PLAIN.nft, PLAIN.flag, ESP_TUNNEL];

describeKernels(['own'], 'each engine', (guest) => {
  let net: Article;
  beforeAll(async () => {
    // Before all else: they stay, and bring devices and parameters that would look like changes.
    await guest().modprobe('ip_gre', 'esp4', 'br_netfilter');
    net = await article(guest());
  });
  afterAll(() => net.lab[Symbol.asyncDispose]());

  it.each(PASSAGES)('$name: passes whole, as planned, and leaves nothing behind', async (passage) => {
    await expectPassage(net, passage);
    expect(await guest().kernelComplaints()).toEqual([]);
  });
});
