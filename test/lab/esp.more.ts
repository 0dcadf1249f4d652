/**
 * The article's tunnel inside ESP, with static keys from a file. `test/helpers/article.ts` draws the network; GRE
 * between the routers is encrypted, so the WAN carries ESP and nothing else.
 *
 * A host's packet of 1500 bytes is a GRE packet of 1538: outer IPv4 20 + 1518. Around what follows the IPv4 header goes
 *
 *            SPI and sequence 8, IV 8 (GCM) or 16 (CBC), padding to 4 or 16 with 2 bytes of trailer, ICV 16
 *   transport  gcm   20 + 8 +  8 + (1518 + 2 → 1520) + 16 = 1572 = 1500 + 92      (92 = 20 + 1572 - 1500)
 *              cbc   20 + 8 + 16 + (1518 + 2 → 1520) + 16 = 1580 = 1500 + 100
 *   tunnel     gcm   20 + 8 +  8 + (1538 + 2 → 1540) + 16 = 1592 = 1500 + 112     with the inner IPv4 header in it
 *              cbc   20 + 8 + 16 + (1538 + 2 → 1552) + 16 = 1612 = 1500 + 132
 */
import { expect, it } from 'vitest';
import type { EspCipher, EspMode } from '../../src/tunnel/site/site.js';
import { article, HOST_A, HOST_B } from '../helpers/article.js';
import { Capture, severalZero } from '../helpers/capture.js';
import { expectFlowsWhole } from '../helpers/flows.js';
import { espCarrier, losesInSilence } from '../helpers/esp.js';
import { nstat, xfrmTroubles } from '../helpers/kernel.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const ESP = 50;
const SECOND = 1000;

const STORIES: { mode: EspMode; cipher: EspCipher; last: number }[] = [
  { mode: 'transport', cipher: 'aes-gcm-256', last: 92 },
  { mode: 'tunnel', cipher: 'aes-cbc-128-sha256', last: 132 },
  { mode: 'tunnel', cipher: 'aes-gcm-128', last: 112 },
  { mode: 'transport', cipher: 'aes-cbc-256-sha256', last: 100 },
];

describeKernels(['own', 'newest'], 'the article inside ESP', (guest) => {
  it.each(STORIES)(
    '$mode mode, $cipher',
    async ({ mode, cipher, last }) => {
      const net = await article(guest());
      try {
        const { hA, rA, w, rB, hB } = net;
        const ends = await tunnelEnds(net, { carrier: await espCarrier(net, mode, cipher), engine: 'nfqueue' });
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 0 });
        const everything = await Capture.start(w, 'eth1', ['ip']);
        await upBoth(ends);
        const [cutA, cutB] = [await nstat(rA), await nstat(rB)];

        // As in the article's story: 3 requests and 3 replies of 1500 bytes leave each router.
        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        expect(await ping(hB, HOST_A)).toMatchObject({ sent: 3, received: 3 });

        const [nowA, nowB] = [await nstat(rA), await nstat(rB)];
        for (const [now, before] of [
          [nowA, cutA],
          [nowB, cutB],
        ] as const) {
          expect(now('IpFragCreates') - before('IpFragCreates')).toBe(12);
          expect(now('IpReasmOKs') - before('IpReasmOKs')).toBe(6);
        }
        for (const end of ends) {
          expect((await end.daemon.settledStats()).totals).toMatchObject({ packets: 3, cleared: 3, leaked: 0 });
        }
        await expectFlowsWhole(net, 2_000_000, 200);
        for (const router of [rA, rB]) {
          expect(await xfrmTroubles(router)).toEqual({});
        }
        await losesInSilence(net);

        await downBoth(ends);
        const wire = await everything.stop(24);
        // Two fragments of each of the 12 large packets, and ARP, replies and the flows beside them: all of it ESP.
        expect(new Set(wire.map(({ protocol }) => protocol))).toEqual(new Set([ESP]));
        expect(wire.map((one, at) => ({ at, ...one })).filter(({ dontFragment }) => dontFragment)).toEqual([]);
        const lasts = wire.filter(({ offset, length }) => offset === 1480 && length === last);
        expect(lasts.length).toBeGreaterThanOrEqual(12);
        const firsts = wire.filter(({ moreFragments }) => moreFragments);
        expect(new Set(firsts.map(({ length }) => length))).toEqual(new Set([1500]));
        expect(severalZero(firsts)).toBe(false);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );
});
