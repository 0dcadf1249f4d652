/**
 * Two tenants of SRv6 on the same routers, with the same addresses everywhere: hosts, tunnel ends. `test/helpers/core6.ts`
 * draws the core; tenant 100 has the article's hosts on eth0, tenant 200 has hosts of its own on eth2:
 *
 *   hA  10.32.0.50  ── eth0 ┐                                     ┌ eth0 ── 10.32.0.111 hB
 *                           rA 10.255.0.1 ══ core ══ 10.255.0.2 rB
 *   hA2 10.32.0.50  ── eth2 ┘                                     └ eth2 ── 10.32.0.111 hB2
 */
import { beforeAll, expect, it } from 'vitest';
import { article, HOST_A, HOST_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { clearDf } from '../helpers/clear-df.js';
import { core6, srv6Carriers } from '../helpers/core6.js';
import type { Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, TunnelEnd, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const ENGINE = 'tunnel-flag';

async function macOf(host: Namespace): Promise<string> {
  return (await host.read('/sys/class/net/eth0/address')).trim();
}

describeKernels(['own'], 'two tenants with the same addresses', (guest, series) => {
  // Before all else: they bring devices, parameters and rules that would look like changes.
  beforeAll(async () => guest().modprobe('ip_gre', 'vrf'));

  // The story of the article through segments sees that this kernel refuses.
  it.skipIf(series === '5.10')(
    'are kept apart, and one goes on without the other',
    async () => {
      const net = await article(guest());
      try {
        await core6(net);
        const { lab, hA, rA, rB, hB } = net;
        const [hA2, hB2] = [await lab.namespace('hA2'), await lab.namespace('hB2')];
        await lab.link({ at: hA2, dev: 'eth0', address: `${HOST_A}/24` }, { at: rA, dev: 'eth2' });
        await lab.link({ at: hB2, dev: 'eth0', address: `${HOST_B}/24` }, { at: rB, dev: 'eth2' });
        const before = [await routerText(rA), await routerText(rB)];
        const one = srv6Carriers({ tenant: 100 });
        const first = await tunnelEnds(net, { ...one.a, engine: ENGINE }, { ...one.b, engine: ENGINE }, 'one');
        const two = srv6Carriers({ tenant: 200 });
        const other = { engine: ENGINE, bridge: '{ name: br200, ports: [eth2] }' };
        const keyed = { ...other, more: ['tunnel: { name: gretap200, key: 200 }'] };
        const second = await tunnelEnds(net, { ...two.a, ...keyed }, { ...two.b, ...keyed }, 'two');
        await upBoth(first);

        // Without a key of its own the kernel would give the second tenant what the first one does not take.
        const unkeyed = { ...two.a, ...other, more: ['tunnel: { name: gretap200 }'] };
        const same = await TunnelEnd.write(rA, 'same', '', '', unkeyed);
        const refused = await clearDf(rA, ['tunnel', 'up', same.file]);
        expect(refused.exitCode).toBe(5);
        expect(refused.stderr).toContain('ip_tunnel_lookup');

        await upBoth(second);
        const seen = [await Capture.start(hB, 'eth0', ['icmp']), await Capture.start(hB2, 'eth0', ['icmp'])] as const;
        const [pinged, pinged2] = await Promise.all([ping(hA, HOST_B), ping(hA2, HOST_B, { size: 1400 })]);
        expect([pinged.received, pinged2.received]).toEqual([3, 3]);
        // Requests and replies of one size only: 1472 + 28, and 1400 + 28.
        expect((await seen[0].stop(6)).map(({ length }) => length)).toEqual(Array<number>(6).fill(1500));
        expect((await seen[1].stop(6)).map(({ length }) => length)).toEqual(Array<number>(6).fill(1428));

        // What nobody takes in its own tenant is lost, and comes to no one else.
        const leaked = await Capture.start(hB2, 'eth0', ['ether', 'src', await macOf(hA)]);
        await rB.ip('link', 'set', 'gretap1', 'down');
        await hA.ip('neigh', 'flush', 'dev', 'eth0');
        expect(await ping(hA, HOST_B, { size: 56 })).toMatchObject({ received: 0 });
        expect(await ping(hA2, HOST_B)).toMatchObject({ received: 3 });
        await leaked.finish(0);
        expect((await leaked.lines()).filter(Boolean)).toEqual([]);
        await rB.ip('link', 'set', 'gretap1', 'up');

        // The first one has set strict_mode and tunsrc; the second one still needs them, and puts them back.
        await downBoth(first);
        expect(await ping(hA2, HOST_B)).toMatchObject({ received: 3 });
        expect(await rA.read('/proc/sys/net/vrf/strict_mode')).toBe('1');
        await downBoth(second);
        expect([await routerText(rA), await routerText(rB)]).toEqual(before);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    300_000,
  );
});
