/**
 * What an XFRM interface can beside carrying the article's tunnel. `test/helpers/article.ts` draws the network.
 *
 * Marks of others, and IPv6. Someone else on router A marks what it sends by GRE with bit 16, and routes by that bit:
 *
 *   gretap1 ── GRE, mark 0x10000 ──► ipsec0 ── ESP, mark 0x10cdf ──► eth1     fd00::1 ── ipsec0 ~~~ ipsec0 ── fd00::2
 *
 * The device in another namespace than its keys: outside has the WAN, associations and policies, rA only the device.
 *
 *   hA ─── eth0 rA ipsec0 ~~~ outside eth1 ─── w ─── rB ─── hB
 *             10.255.0.1        192.168.200.1
 */
import { beforeAll, expect, it } from 'vitest';
import { staticItems } from '../../src/tunnel/carriers/esp/keying.js';
import { parseKeys } from '../../src/tunnel/carriers/esp/key-file.js';
import { type Article, article, HOST_A, HOST_B, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { datagrams } from '../helpers/datagrams.js';
import { deliver } from '../helpers/delivery.js';
import { nstat, ruleCounter } from '../helpers/kernel.js';
import type { Namespace } from '../helpers/netns.js';
import { deviceTroubles, INNER_A, INNER_B, keyFile, routeBasedCarriers } from '../helpers/route-based.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, TunnelEnd, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const ESP = 50;
const SECOND = 1000;
const OTHER = '0x10000/0x10000';
const CIPHER = 'aes-gcm-256';

describeKernels(['own'], 'an XFRM interface', (guest) => {
  // Loaded before all else: modules stay, and some give every namespace devices.
  beforeAll(async () => guest().modprobe('ip_gre', 'xfrm_interface', 'br_netfilter'));

  it(
    'leaves the bits of others alone, also with strict filters, and carries IPv6',
    async () => {
      const net = await article(guest());
      try {
        const { hA, rA, rB, hB } = net;
        const [a, b] = await routeBasedCarriers(net, 'xfrm-interface', 'own', CIPHER);
        const ends = await tunnelEnds(
          net,
          { carrier: a, engine: 'tunnel-flag' },
          { carrier: b, engine: 'tunnel-flag' },
        );
        await markOfOthers(rA);
        // Unless `up` sees to it, what comes in by eth1 is dropped there: answers go by ipsec0.
        for (const router of [rA, rB]) await router.sysctl({ 'net.ipv4.conf.all.rp_filter': 1 });
        const before = [await routerText(rA), await routerText(rB)];
        await upBoth(ends);

        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        expect(await ping(hB, HOST_A)).toMatchObject({ sent: 3, received: 3 });
        // GRE was led into the device although it had a mark; ESP has that bit still, and our mark.
        expect((await ruleCounter(rA, 'both-marks')).packets).toBeGreaterThanOrEqual(12);
        expect((await ruleCounter(rA, 'other-marks')).packets).toBe(0);
        // Their rule holds for whatever else has their bit.
        expect(await rA.ip('route', 'get', '198.51.100.1', 'mark', '0x10000')).toContain('table 200');
        expect(await rA.ip('route', 'get', ROUTER_B, 'mark', '0x10000')).toContain('dev ipsec0');
        expect(await rA.ip('route', 'get', ROUTER_B, 'mark', '0x10cdf')).toContain('dev eth1');

        await sixth(rA, 'fd00::1');
        await sixth(rB, 'fd00::2');
        const six = await rA.exec('ping', ['-6', '-n', '-c', '3', '-i', '0.2', '-W', '5', '-s', '1300', 'fd00::2']);
        expect(six).toContain('3 packets transmitted, 3 received');
        for (const router of [rA, rB]) expect((await deviceTroubles(router, 'ipsec0')).collisions).toBe(0);

        // With its device down the tunnel says nothing, rather than anything readable.
        const wan = await Capture.start(rA, 'eth1', ['ip', 'proto', '47']);
        await rA.ip('link', 'set', 'ipsec0', 'down');
        expect(await ping(hA, HOST_B, { size: 56, count: 1 })).toMatchObject({ received: 0 });
        expect(await wan.stop(0)).toEqual([]);

        await downBoth(ends);
        expect([await routerText(rA), await routerText(rB)]).toEqual(before);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );

  it(
    'is the underlay of a tunnel in another namespace than its keys',
    async () => {
      const net = await article(guest());
      try {
        const { hA, rA, w, rB, hB } = net;
        const { file, text } = await keyFile(net, CIPHER);
        await movedFrom(await outsideOf(net), net, text);
        const far = `{ type: xfrm-interface, cipher: ${CIPHER}, keys: ${file}, inner: { local: ${INNER_B}, remote: ${INNER_A} } }`;
        const ends: [TunnelEnd, TunnelEnd] = [
          await TunnelEnd.write(rA, 'site-a', INNER_A, INNER_B, { underlay: 'ipsec0', engine: 'tunnel-flag' }),
          await TunnelEnd.write(rB, 'site-b', ROUTER_B, ROUTER_A, { carrier: far, engine: 'tunnel-flag' }),
        ];
        const before = [await routerText(rA), await routerText(rB)];
        await upBoth(ends);
        const everything = await Capture.start(w, 'eth1', ['ip']);
        const cut = await nstat(rA);

        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        expect((await nstat(rA))('IpFragCreates') - cut('IpFragCreates')).toBe(6);
        expect((await deliver(hA, hB, HOST_B, 1_000_000)).grew('TcpInCsumErrors')).toBe(0);
        expect(await datagrams(hB, hA, HOST_A, { count: 100 })).toMatchObject({ sent: 100, lost: 0 });

        await downBoth(ends);
        expect([await routerText(rA), await routerText(rB)]).toEqual(before);
        const packets = await everything.stop(212);
        expect(new Set(packets.map(({ protocol }) => protocol))).toEqual(new Set([ESP]));
        expect(packets.some(({ moreFragments, offset }) => moreFragments || offset > 0)).toBe(false);
        // As in test/lab/route-based.test.ts.
        for (const wanted of [1500, 168])
          expect(packets.filter(({ length }) => length === wanted).length).toBeGreaterThanOrEqual(106);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );
});

/** Marks GRE, routes by that mark, and counts ESP by what marks it has. */
async function markOfOthers(at: Namespace): Promise<void> {
  const counted = async (comment: string, ...match: string[]) => {
    const rule = ['POSTROUTING', '-p', 'esp', ...match, '-m', 'comment', '--comment', comment, '-j', 'ACCEPT'];
    await at.exec('iptables', ['-t', 'mangle', '-A', ...rule]);
  };
  await at.exec('iptables', ['-t', 'mangle', '-A', 'OUTPUT', '-p', 'gre', '-j', 'MARK', '--set-xmark', OTHER]);
  await counted('both-marks', '-m', 'mark', '--mark', '0x10cdf');
  await counted('other-marks', '-m', 'mark', '!', '--mark', '0x10cdf');
  await at.ip('rule', 'add', 'preference', '5000', 'fwmark', OTHER, 'lookup', '200');
  await at.ip('route', 'add', 'default', 'via', '192.168.200.2', 'dev', 'eth1', 'table', '200');
}

/** Gives the device an IPv6 address; in a lab IPv6 is off. */
async function sixth(at: Namespace, address: string): Promise<void> {
  await at.sysctl({ 'net.ipv6.conf.ipsec0.disable_ipv6': 0 });
  await at.ip('-6', 'address', 'add', `${address}/64`, 'dev', 'ipsec0', 'nodad');
}

/** A namespace that has router A's uplink. */
async function outsideOf({ lab, rA }: Article): Promise<Namespace> {
  const outside = await lab.namespace('outside');
  await rA.ip('link', 'set', 'eth1', 'netns', outside.name);
  await outside.ip('address', 'add', `${ROUTER_A}/24`, 'dev', 'eth1');
  await outside.ip('link', 'set', 'eth1', 'up');
  await outside.ip('route', 'add', 'default', 'via', '192.168.200.2');
  return outside;
}

/** Makes and keys the device outside, then moves it to router A. */
async function movedFrom(outside: Namespace, { rA }: Article, keyText: string): Promise<void> {
  const ifId = 7;
  const carrier = { type: 'xfrm-interface', cipher: CIPHER, keys: 'a file', reqid: 7, ifId } as const;
  const site = { local: ROUTER_A, remote: ROUTER_B, carrier, place: () => 'here' } as unknown as Parameters<
    typeof parseKeys
  >[2];
  const keys = parseKeys(keyText, 'a file', site);
  const options = { mode: 'tunnel', common: { ifId }, policy: { selector: 'any' } } as const;
  for (const item of staticItems(site.carrier, site, keys, options)) {
    for (const { argv, input = '' } of item.apply({} as Parameters<typeof item.apply>[0])) {
      await outside.feed(input, argv[0] ?? '', argv.slice(1));
    }
  }
  await outside.ip('link', 'add', 'ipsec0', 'type', 'xfrm', 'dev', 'eth1', 'if_id', String(ifId));
  await outside.ip('link', 'set', 'ipsec0', 'netns', rA.name);
  await rA.ip('link', 'set', 'ipsec0', 'mtu', '1446');
  await rA.ip('address', 'add', `${INNER_A}/32`, 'peer', `${INNER_B}/32`, 'dev', 'ipsec0');
  await rA.ip('link', 'set', 'ipsec0', 'up');
}
