/**
 * More of a WAN that loses fragments: `test/helpers/fragment-inner.ts` has the network and the arithmetic.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Article, article, HOST_A, HOST_B, ROUTER_B } from '../helpers/article.js';
import { clearDf } from '../helpers/clear-df.js';
import { datagrams } from '../helpers/datagrams.js';
import { deliver } from '../helpers/delivery.js';
import {
  advertiseMtu,
  expectCutBefore,
  fragmentsLost,
  innerEnds,
  loseFragments,
  withIpv6,
} from '../helpers/fragment-inner.js';
import { nstat } from '../helpers/kernel.js';
import { localMachine } from '../helpers/local-machine.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, upBoth } from '../helpers/tunnel.js';
import { until } from '../helpers/until.js';

const INNER6_A = '2001:db8:ff::a';
const INNER6_B = '2001:db8:ff::b';

/** The commands of the document, for a tunnel whose port has this MTU. */
function tooBigRule(mtu: number): string {
  const text = readFileSync(path.join(import.meta.dirname, '../../docs/fragment-inner.md'), 'utf8');
  const [block = ''] = text.split('```').filter((one) => one.startsWith('sh\nMAC='));
  return block.replace('sh\n', '').replace('1458', String(mtu));
}

describe('a WAN that loses every fragment', () => {
  let net: Article;
  beforeEach(async () => {
    net = await article(localMachine);
  });
  afterEach(async () => net.lab[Symbol.asyncDispose]());

  it('loses what is cut outside, which probe says beforehand, with what to do', async () => {
    await loseFragments(net);
    const { stdout } = await clearDf(net.rA, ['probe', ROUTER_B, '--json'], 120_000);
    const { verdict, fragments } = JSON.parse(stdout) as { verdict: string; fragments: object };
    expect(fragments).toMatchObject({ out: 'no' });
    expect(verdict).toContain('do not pass outbound: a tunnel that cuts outside loses every packet that does not fit');
    expect(verdict).toContain('fragment: inner in the site files');
    await upBoth(await innerEnds(net, 'vxlan', { fragment: 'outer', engine: 'bpf' }));
    const probed = await fragmentsLost(net);
    expect(await ping(net.hA, HOST_B, { size: 56 })).toMatchObject({ received: 3 });
    expect(await ping(net.hA, HOST_B, { patience: 1 })).toMatchObject({ received: 0 });
    // Both fragments of three requests.
    expect((await fragmentsLost(net)) - probed).toBe(6);
  });

  it('loses nothing that is cut before: UDP GSO, TCP both ways and of both families; status and doctor agree', async () => {
    const { hA, hB, rA } = net;
    await loseFragments(net);
    for (const [host, own] of [
      [hA, INNER6_A],
      [hB, INNER6_B],
    ] as const) {
      await withIpv6(host, own);
    }
    const ends = await innerEnds(net, 'vxlan');
    await upBoth(ends);
    expect(await datagrams(hA, hB, HOST_B, { count: 320, segments: 32 })).toMatchObject({ sent: 320, lost: 0 });
    await deliver(hA, hB, HOST_B, 2_000_000);
    await deliver(hB, hA, HOST_A, 2_000_000);
    // 40 + 8 + 1398 = 1446, what stays whole; one byte more is lost, and so is everything above.
    expect(await ping(hA, INNER6_B, { size: 1398 })).toMatchObject({ received: 3 });
    await deliver(hA, hB, INNER6_B, 2_000_000);
    expect(await ping(hA, INNER6_B, { size: 1452, patience: 1 })).toMatchObject({ received: 0 });
    // What the plan's note asks of the segment's IPv6 router: hosts then cut by themselves.
    await advertiseMtu(rA, 'br0', 1446);
    for (const host of [hA, hB]) {
      await until(
        'the host has heard of it',
        async () => (await host.read('/proc/sys/net/ipv6/conf/eth0/mtu')).trim() === '1446',
      );
    }
    expect(await ping(hA, INNER6_B, { size: 1452, dontFragment: false })).toMatchObject({ received: 3 });
    expect(await fragmentsLost(net)).toBe(0);

    const [near] = ends;
    const status = await clearDf(rA, ['tunnel', 'status', near.file], 60_000);
    expect(status.exitCode, status.stdout).toBe(0);
    expect(status.stdout).toContain('TCP through vxlan1 has segments of at most 1406 bytes, 1386 over IPv6');
    const doctor = await clearDf(rA, ['doctor', near.file], 120_000);
    expect(doctor.stdout).toMatch(/ok +MTU of vxlan1: 1446, but other ports of br0 have 1500: .*br0 cuts them inside/);
    expect(doctor.stdout).toMatch(/ok +TCP through vxlan1/);
    expect(doctor.stdout.split('\n').filter((line) => /^\s*wrong.*(vxlan|br0|TCP|VLAN|MTU)/.test(line))).toEqual([]);
  });

  it('has inner IPv6 answered with packet-too-big by the rule in docs/fragment-inner.md', async () => {
    const { hA, hB, rA, rB } = net;
    await loseFragments(net);
    await upBoth(await innerEnds(net, 'vxlan'));
    for (const [host, own, router, address] of [
      [hA, INNER6_A, rA, '2001:db8:ff::1'],
      [hB, INNER6_B, rB, '2001:db8:ff::2'],
    ] as const) {
      await withIpv6(host, own);
      await withIpv6(router, address, 'br0');
      await router.sysctl({ 'net.ipv6.conf.all.forwarding': 1 });
      await router.exec('sh', ['-ec', tooBigRule(1446)]);
    }
    // From the nearest router; from then on the host knows.
    const { output } = await ping(hA, INNER6_B, { size: 1452, patience: 1 });
    expect(output).toMatch(/From 2001:db8:ff::1 icmp_seq=\d Packet too big: mtu=1446/);
    // The other host learns it as well, and each cuts by itself now.
    await ping(hB, INNER6_A, { size: 1452, patience: 1 });
    expect(await ping(hA, INNER6_B, { size: 1452, dontFragment: false })).toMatchObject({ received: 3 });
    await deliver(hA, hB, INNER6_B, 500_000);
  });

  it('that is narrow behind the first link: path-mtu says what it carries', async () => {
    const { w, rB } = net;
    await loseFragments(net);
    await w.ip('link', 'set', 'eth1', 'mtu', '1400');
    await rB.ip('link', 'set', 'eth1', 'mtu', '1400');
    const ends = await innerEnds(net, 'vxlan', { more: ['path-mtu: 1400'] });
    await upBoth(ends);
    // 1400 - 50 - 4 = 1346: 20 + 1320 and 20 + 160, and 50 around each.
    await expectCutBefore(net, ends, [1390, 230]);
    await deliver(net.hA, net.hB, HOST_B, 500_000);
    expect(await fragmentsLost(net)).toBe(0);
  });

  it('is met by up on the edited files of a tunnel that is up, and left again', async () => {
    const { hA, hB, rA } = net;
    const before = await routerText(rA);
    const outer = { fragment: 'outer', engine: 'bpf' };
    await upBoth(await innerEnds(net, 'vxlan', outer));
    expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
    await loseFragments(net);
    const inner = await innerEnds(net, 'vxlan');
    await upBoth(inner);
    expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
    await deliver(hB, hA, HOST_A, 500_000);
    expect(await fragmentsLost(net)).toBe(0);
    await net.w.exec('iptables', ['-t', 'raw', '-F']);
    const again = await innerEnds(net, 'vxlan', outer);
    await upBoth(again);
    expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
    await downBoth(again);
    expect(await routerText(rA)).toEqual(before);
  });

  it('in one direction alone: only the end that sends into it has to cut before', async () => {
    const { w, hA, hB, rA } = net;
    await loseFragments(net, ['-i', 'eth0']);
    const before = await routerText(rA);
    const ends = await innerEnds(net, 'vxlan', {}, { fragment: 'outer', engine: 'bpf' });
    await upBoth(ends);
    expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
    expect(await ping(hB, HOST_A)).toMatchObject({ received: 3 });
    await deliver(hA, hB, HOST_B, 500_000);
    await deliver(hB, hA, HOST_A, 500_000);
    expect(await fragmentsLost({ w })).toBe(0);
    await downBoth(ends);
    expect(await routerText(rA)).toEqual(before);
  });

  it('carries fragments of hosts, but not where connections are tracked: the kernel refuses to cut those to less', async () => {
    const { hA, hB, rA } = net;
    await loseFragments(net);
    await upBoth(await innerEnds(net, 'vxlan'));
    // 20 + 8 + 3000: pieces of 1500, 1500 and 68 from the host.
    const fragmented = { size: 3000, dontFragment: false };
    expect(await ping(hA, HOST_B, fragmented)).toMatchObject({ received: 3 });
    await rA.exec('iptables', ['-A', 'FORWARD', '-m', 'conntrack', '--ctstate', 'INVALID', '-j', 'DROP']);
    expect(await ping(hA, HOST_B, { ...fragmented, patience: 1 })).toMatchObject({ received: 0 });
    expect((await nstat(rA))('IpFragFails')).toBe(3);
    // All else passes. One request: of several at once that begin a connection, a queue loses all but one to tracking.
    expect(await ping(hA, HOST_B, { count: 1 })).toMatchObject({ received: 1 });
    await deliver(hA, hB, HOST_B, 500_000);
    expect(await fragmentsLost(net)).toBe(0);
  });
});
