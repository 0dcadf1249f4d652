/**
 * The article's tunnel through a VTI and through an XFRM interface, with addresses of its own inside (10.255.0.1 and
 * .2) and with the routers' own. `test/helpers/article.ts` draws the network; between gretap1 and eth1 there is
 *
 *   gretap1 ── GRE 1538 ──► vti1 or ipsec0, MTU 1446 ── ESP ──► eth1 ──── WAN, MTU 1500
 *
 * A host's packet of 1500 bytes is a GRE packet of 1538: outer IPv4 20 + 1518. The device's MTU is what ESP around it
 * makes 1500, so GRE is cut there, once, before encryption, and no ESP packet is ever a fragment:
 *
 *   gcm  20 + 8 +  8 + (1446 + 2 → 1448) + 16 = 1500      cut to 20 + 1424 = 1444 and 20 + 94 = 114
 *        20 + 8 +  8 + (1444 + 2 → 1448) + 16 = 1500   and   20 + 8 +  8 + (114 + 2 → 116) + 16 = 168
 *   cbc  20 + 8 + 16 + (1438 + 2 → 1440) + 16 = 1500      cut to 20 + 1416 = 1436 and 20 + 102 = 122
 *        20 + 8 + 16 + (1436 + 2 → 1440) + 16 = 1500   and   20 + 8 + 16 + (122 + 2 → 128) + 16 = 188
 */
import { beforeAll, expect, it } from 'vitest';
import type { EspCipher } from '../../src/tunnel/site/site.js';
import { article, HOST_A, HOST_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { expectFlowsWhole } from '../helpers/flows.js';
import { nstat, xfrmTroubles } from '../helpers/kernel.js';
import {
  type Addresses,
  DEVICE,
  deviceTroubles,
  type RouteBasedType,
  routeBasedCarriers,
} from '../helpers/route-based.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const ESP = 50;
const SECOND = 1000;

interface Story {
  type: RouteBasedType;
  addresses: Addresses;
  cipher: EspCipher;
  /** Bytes of what leaves for one full packet. */
  wire: [number, number];
}

const STORIES: Story[] = [
  { type: 'vti', addresses: 'own', cipher: 'aes-gcm-256', wire: [1500, 168] },
  { type: 'xfrm-interface', addresses: 'inner', cipher: 'aes-gcm-256', wire: [1500, 168] },
  { type: 'vti', addresses: 'inner', cipher: 'aes-cbc-128-sha256', wire: [1500, 188] },
  { type: 'xfrm-interface', addresses: 'own', cipher: 'aes-cbc-256-sha256', wire: [1500, 188] },
];

describeKernels(['own', 'newest'], 'the article by a device', (guest) => {
  // Loaded before all else: modules stay, and some give every namespace devices.
  beforeAll(async () => guest().modprobe('ip_gre', 'ip_vti', 'xfrm_interface', 'br_netfilter'));

  it.each(STORIES)(
    '$type, $addresses addresses, $cipher',
    async ({ type, addresses, cipher, wire }) => {
      const net = await article(guest());
      try {
        const { hA, rA, w, rB, hB } = net;
        const [a, b] = await routeBasedCarriers(net, type, addresses, cipher);
        const ends = await tunnelEnds(net, { carrier: a }, { carrier: b });
        const before = [await routerText(rA), await routerText(rB)];
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 0 });
        expect(await ends[0].plannedLengths()).toEqual(wire);
        await upBoth(ends);
        const everything = await Capture.start(w, 'eth1', ['ip']);
        const troubles = [await xfrmTroubles(rA), await xfrmTroubles(rB)];
        const cut = [await nstat(rA), await nstat(rB)];

        // 3 requests and 3 replies of 1500 bytes leave each router: from the very first one on each is cut once.
        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        expect(await ping(hB, HOST_A)).toMatchObject({ sent: 3, received: 3 });
        for (const [i, router] of [rA, rB].entries()) {
          const now = await nstat(router);
          const grew = (name: string) => now(name) - (cut[i]?.(name) ?? 0);
          expect([grew('IpFragCreates'), grew('IpReasmOKs'), grew('IpFragFails')]).toEqual([12, 6, 0]);
        }
        for (const end of ends) {
          expect((await end.daemon.settledStats()).totals).toMatchObject({ packets: 3, cleared: 3, leaked: 0 });
        }
        await expectFlowsWhole(net, 2_000_000, 200);
        expect([await xfrmTroubles(rA), await xfrmTroubles(rB)]).toEqual(troubles);
        for (const router of [rA, rB]) {
          expect(await deviceTroubles(router, DEVICE[type])).toEqual({ errors: 0, collisions: 0 });
        }

        await downBoth(ends);
        expect([await routerText(rA), await routerText(rB)]).toEqual(before);
        await expectWire(everything, wire);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );
});

/** All of it ESP, none of it a fragment; and as many of each length as full packets were sent, at least: 12 and 200. */
async function expectWire(everything: Capture, lengths: readonly number[]): Promise<void> {
  const packets = await everything.stop(424);
  expect(new Set(packets.map(({ protocol }) => protocol))).toEqual(new Set([ESP]));
  expect(packets.some(({ moreFragments, offset }) => moreFragments || offset > 0)).toBe(false);
  expect(packets.some(({ dontFragment }) => dontFragment)).toBe(false);
  expect(Math.max(...packets.map(({ length }) => length))).toBe(lengths[0]);
  for (const wanted of lengths) {
    expect(packets.filter(({ length }) => length === wanted).length).toBeGreaterThanOrEqual(212);
  }
}
