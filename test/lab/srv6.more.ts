/**
 * The article's tunnel through a core that knows IPv6 only, by SRv6. `test/helpers/core6.ts` draws the core;
 * the tunnel's ends are in the VRF of a tenant on each router.
 *
 * A host's packet of 1500 bytes is a GRE packet of 1538. Around IPv4 come 40 of IPv6 and 8 + 16 a segment, without the
 * first segment in the reduced form, and without any routing header where none is left then:
 *
 *   segments        around   core for 1538   second hop at 1500   fragments in IPv6 on the wire
 *   1               64       1602            1436                 1436 + 64 = 1500, (20 + 102) + 64 = 186
 *   2               80       1618            1420                 1500, (20 + 118) + 80 = 218
 *   4               112      1650            1388                 1500, (20 + 150) + 112 = 282
 *   1, reduced      40       1578            1460                 1500, (20 + 78) + 40 = 138
 *   4, reduced      96       1634            1404                 1500, (20 + 134) + 96 = 250
 */
import { beforeAll, expect, it } from 'vitest';
import { type Article, article, HOST_A, HOST_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { readHeaders6 } from '../helpers/capture6.js';
import { clearDf } from '../helpers/clear-df.js';
import { core6, CORE_A, coreMtu, hasEndDt4, srv6Carriers, type TenantOptions } from '../helpers/core6.js';
import { expectFlowsWhole } from '../helpers/flows.js';
import { nstat } from '../helpers/kernel.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, type TunnelEnd, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
const GRE = 47;
const ROUTING = 43;
const IPV4 = 4;

async function ends(net: Article, options: TenantOptions, engine: string): Promise<[TunnelEnd, TunnelEnd]> {
  const { a, b } = srv6Carriers(options);
  return tunnelEnds(net, { ...a, engine }, { ...b, engine });
}

/** One row of the table above; `wire` is what it derives. */
interface Row extends TenantOptions {
  segments: number;
  encap: 'encap' | 'encap.red';
  core: number;
  wire: number[];
}

const FIRST: Row = { segments: 1, encap: 'encap', core: 1500, wire: [1500, 186] };
const TWO: Row = { segments: 2, encap: 'encap', core: 1500, wire: [1500, 218] };
const FOUR: Row = { segments: 4, encap: 'encap', core: 1500, wire: [1500, 282] };
const REDUCED: Row = { segments: 1, encap: 'encap.red', core: 1500, wire: [1500, 138] };
const FOUR_REDUCED: Row = { segments: 4, encap: 'encap.red', core: 1500, wire: [1500, 250] };
const WHOLE: Row = { segments: 1, encap: 'encap', core: 1602, wire: [1602] };
const WHOLE_REDUCED: Row = { segments: 1, encap: 'encap.red', core: 1578, wire: [1578] };

/** The first one has a story of its own. */
const ROWS = [TWO, FOUR, REDUCED, FOUR_REDUCED, WHOLE, WHOLE_REDUCED];

describeKernels(['oldest', 'own'], 'the article through segments', (guest, series) => {
  // Before all else: they bring devices, parameters and rules that would look like changes.
  beforeAll(async () => guest().modprobe('ip_gre', 'vrf'));

  if (!hasEndDt4(series)) {
    it('is refused by a kernel without End.DT4, and nothing is changed', async () => {
      const net = await article(guest());
      try {
        await core6(net);
        const [end] = await ends(net, FIRST, 'nfqueue');
        const before = await routerText(net.rA);
        const { stderr, exitCode } = await clearDf(net.rA, ['tunnel', 'up', end.file]);
        expect(exitCode).toBe(4);
        expect(stderr).toMatch(/carrier\.type: kernel \S+ cannot do it: a segment with End\.DT4 was refused: /);
        expect(stderr).toContain('RTNETLINK answers: Invalid argument');
        expect(await routerText(net.rA)).toEqual(before);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    });
    return;
  }

  it(
    'passes with DF, TCP and UDP whole, and leaves nothing behind',
    async () => {
      const net = await article(guest());
      try {
        await core6(net);
        const { hA, rA, w, rB, hB } = net;
        const tunnel = await ends(net, FIRST, 'nfqueue');
        const before = [await routerText(rA), await routerText(rB)];
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 0 });
        expect(await tunnel[0].plannedLengths()).toEqual(FIRST.wire);
        const everything = await Capture.start(w, 'eth1', []);
        await upBoth(tunnel);
        const [cutA, cutB] = [await nstat(rA), await nstat(rB)];

        // 3 requests and 3 replies of 1500 bytes leave each router: 6 datagrams in two fragments, 6 put together.
        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        expect(await ping(hB, HOST_A)).toMatchObject({ sent: 3, received: 3 });
        for (const [now, cut] of [
          [await nstat(rA), cutA],
          [await nstat(rB), cutB],
        ] as const) {
          expect(now('IpFragCreates') - cut('IpFragCreates')).toBe(12);
          expect(now('IpReasmOKs') - cut('IpReasmOKs')).toBe(6);
          expect(now('Ip6FragFails') - cut('Ip6FragFails')).toBe(0);
        }
        for (const end of tunnel) {
          expect((await end.daemon.settledStats()).totals).toMatchObject({ packets: 3, cleared: 3, leaked: 0 });
        }
        await expectFlowsWhole(net, 2_000_000, 200);

        await everything.finish(24);
        const all = await readHeaders6(everything.file);
        // IPv4 with GRE in a routing header with one segment, and nothing else between the routers but neighbours.
        expect(new Set(all.map(({ nextHeader, segments }) => `${nextHeader} ${segments}`))).toEqual(
          new Set([`${ROUTING} 1`]),
        );
        expect(new Set(all.map(({ inner }) => inner?.protocol))).toEqual(new Set([GRE]));
        expect(all.some(({ inner }) => inner?.dontFragment)).toBe(false);
        expect((await everything.lines(['ip'])).filter(Boolean)).toEqual([]);

        await downBoth(tunnel);
        expect([await routerText(rA), await routerText(rB)]).toEqual(before);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );

  it.each(ROWS)(
    'is cut as planned: $segments segments, $encap, core $core',
    async ({ core, wire, ...options }) => {
      const net = await article(guest());
      try {
        await core6(net);
        await coreMtu(net, core);
        const { hA, w } = net;
        const [a, b] = await ends(net, options, 'tunnel-flag');
        const [plan] = await Promise.all([a.plannedLengths(), b.up()]);
        expect(plan).toEqual(wire);
        await a.up();
        expect(await ping(hA, HOST_B, { size: 56, count: 1 })).toMatchObject({ received: 1 });
        const capture = await Capture.start(w, 'eth0', ['ip6 and greater 150 and not icmp6 and src', CORE_A]);
        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        await capture.finish(3 * wire.length);
        // Without what hosts ask each other by the way, by ARP.
        const seen = (await readHeaders6(capture.file)).filter(
          ({ inner, length }) => inner && (inner.moreFragments || inner.offset > 0 || length > 1000),
        );
        const numbers = [...new Set(seen.map(({ inner }) => inner?.id))];
        // By datagram; whole IPv6 packets, which nobody cuts.
        const lengths = numbers.map((id) => seen.filter(({ inner }) => inner?.id === id).map(({ length }) => length));
        expect(lengths).toEqual([wire, wire, wire]);
        const listed = options.segments - (options.encap === 'encap.red' ? 1 : 0);
        const around = listed === 0 ? [IPV4, undefined] : [ROUTING, listed];
        expect(new Set(seen.map(({ nextHeader, segments }) => [nextHeader, segments].join()))).toEqual(
          new Set([around.join()]),
        );
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );
});
