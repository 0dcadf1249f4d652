/**
 * A gretap over a WAN that loses every fragment, before which the bridge cuts. `test/helpers/article.ts` draws the network,
 * `test/helpers/fragment-inner.ts` has the arithmetic.
 *
 * In VLAN 10 each frame, and with it each outer packet, has 4 bytes more: 1494 and 110.
 */
import { expect, it } from 'vitest';
import { article, HOST_A, HOST_B } from '../helpers/article.js';
import { clearDf } from '../helpers/clear-df.js';
import { datagrams } from '../helpers/datagrams.js';
import { deliver } from '../helpers/delivery.js';
import { expectCutBefore, fragmentsLost, innerEnds, loseFragments, WIRE, withIpv6 } from '../helpers/fragment-inner.js';
import { tagHosts } from '../helpers/matrix-sight.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const TAGGED_B = '10.99.0.2';
const INNER6_A = '2001:db8:ff::a';
const INNER6_B = '2001:db8:ff::b';

describeKernels(['own', 'newest'], 'a cut before the tunnel', (guest) => {
  it('gretap: pings, UDP GSO, TCP of both families, one VLAN tag; nothing outside is a fragment', async () => {
    // Before all else: they stay.
    await guest().modprobe('ip_gre', 'br_netfilter', '8021q');
    const net = await article(guest());
    try {
      const { hA, hB, rA } = net;
      await loseFragments(net);
      const ends = await innerEnds(net, 'gretap');
      const before = await routerText(rA);
      await upBoth(ends);
      await expectCutBefore(net, ends, WIRE.gretap);
      expect(await ping(hB, HOST_A)).toMatchObject({ received: 3 });
      expect(await datagrams(hA, hB, HOST_B, { count: 320, segments: 32 })).toMatchObject({ lost: 0 });
      await deliver(hA, hB, HOST_B, 500_000);
      await withIpv6(hA, INNER6_A);
      await withIpv6(hB, INNER6_B);
      // Each kernel may refuse what the table writes: only packets that arrive show that it is written.
      await deliver(hA, hB, INNER6_B, 500_000);
      await tagHosts(net);
      expect(await ping(hA, TAGGED_B)).toMatchObject({ received: 3 });
      await deliver(hA, hB, TAGGED_B, 300_000);
      expect(await fragmentsLost(net)).toBe(0);

      const [near] = ends;
      const doctor = await clearDf(rA, ['doctor', near.file], 300_000);
      expect(doctor.stdout).toMatch(
        /ok +MTU of gretap1: 1458, but other ports of br0 have 1500: .*br0 cuts them inside/,
      );
      expect(doctor.stdout).toMatch(/ok +full-size DF frames into gretap1: 1496 bytes outside fit/);
      await downBoth(ends);
      expect(await routerText(rA)).toEqual(before);
      expect(await guest().kernelComplaints()).toEqual([]);
    } finally {
      await net.lab[Symbol.asyncDispose]();
    }
  });
});
