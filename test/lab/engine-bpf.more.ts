/**
 * Every carrier with engine bpf at both routers, on every kernel: full-size packets, TCP byte for byte and UDP cross
 * whole, the WAN carries what was planned and nothing else, and `down` leaves nothing. `fast-path.more.ts` has what else
 * the program meets: GSO, tags. `test/helpers/article.ts` draws the network, which is one for all.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Article, article } from '../helpers/article.js';
import {
  ESP_TRANSPORT,
  ESP_TUNNEL,
  expectPassage,
  PLAIN,
  SRV6,
  UDP_TRANSPORT,
  VTI,
  WIREGUARD,
  XFRM_INTERFACE,
} from '../helpers/carriers.js';
import { hasEndDt4 } from '../helpers/core6.js';
import { describeKernels } from './kernels.js';

const PASSAGES = [PLAIN, ESP_TRANSPORT, ESP_TUNNEL, UDP_TRANSPORT, VTI, XFRM_INTERFACE];

describeKernels(['every'], 'engine bpf', (guest, series) => {
  let net: Article;
  beforeAll(async () => {
    // Before all else: they stay, and bring devices, parameters and rules that would look like changes.
    await guest().modprobe('ip_gre', 'ip_vti', 'xfrm_interface', 'esp4', 'br_netfilter', 'vrf', 'wireguard');
    net = await article(guest());
  });
  afterAll(() => net.lab[Symbol.asyncDispose]());

  // WireGuard stays set up, and goes on keeping itself alive: last.
  it.each([...PASSAGES, ...(hasEndDt4(series) ? [SRV6] : []), WIREGUARD])(
    '$name: passes whole, as planned, and leaves nothing behind',
    async (passage) => {
      await expectPassage(net, { ...passage, engines: [{ engine: 'bpf' }, { engine: 'bpf' }] });
      expect(await guest().kernelComplaints()).toEqual([]);
    },
  );
});
