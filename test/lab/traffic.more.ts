/**
 * What else crosses the bridge, through the queue. `test/helpers/article.ts` draws the network; the tunnel is up on both
 * routers for all stories, engine nfqueue through br_netfilter. Around an inner packet of N bytes goes Ethernet 14,
 * GRE 4 and IPv4 20: N + 38 on a WAN of 1500.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Article, article, HOST_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { datagrams } from '../helpers/datagrams.js';
import { deliver } from '../helpers/delivery.js';
import { nstat } from '../helpers/kernel.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, type TunnelEnd, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { until } from '../helpers/until.js';
import { describeKernels } from './kernels.js';

const FRAGMENTS = ['ip[6:2] & 0x3fff != 0'];

describeKernels(['own'], 'through the queue', (guest) => {
  let net: Article;
  let ends: [TunnelEnd, TunnelEnd];
  beforeAll(async () => {
    await guest().modprobe('8021q');
    net = await article(guest());
    ends = await tunnelEnds(net, { engine: 'nfqueue', hook: 'br-netfilter' });
    await upBoth(ends);
  });
  afterAll(async () => {
    await downBoth(ends);
    await net.lab[Symbol.asyncDispose]();
    expect(await guest().kernelComplaints()).toEqual([]);
  });

  /** Packets that rA's clear-df has seen, and fragments that both routers have made. */
  async function counted() {
    const { totals } = await ends[0].daemon.settledStats();
    const [a, b] = [await nstat(net.rA), await nstat(net.rB)];
    return { totals, a: a('IpFragCreates'), b: b('IpFragCreates'), whole: b('IpReasmOKs') };
  }

  it('VLAN-tagged frames: cleared behind the tag, one more fragment size', async () => {
    const { hA, w, hB } = net;
    for (const [host, address] of [
      [hA, '10.99.0.1/24'],
      [hB, '10.99.0.2/24'],
    ] as const) {
      await host.ip('link', 'add', 'link', 'eth0', 'name', 'eth0.10', 'type', 'vlan', 'id', '10');
      await host.ip('address', 'add', address, 'dev', 'eth0.10');
      await host.ip('link', 'set', 'eth0.10', 'up');
    }
    const before = await counted();
    const capture = await Capture.start(w, 'eth1', FRAGMENTS);
    expect(await ping(hA, '10.99.0.2')).toMatchObject({ sent: 3, received: 3 });
    // The tag is 4 bytes more: 1542 = 1500 + (20 + 42). Three requests, three replies.
    const fragments = await capture.stop(12);
    const lengths = fragments.map(({ length }) => length);
    expect([1500, 62].map((wanted) => lengths.filter((length) => length === wanted).length)).toEqual([6, 6]);
    const after = await counted();
    // bridge-nf-filter-vlan-tagged is on, so the three requests with DF were seen.
    expect(after.totals.cleared - before.totals.cleared).toBe(3);
    expect(after.a - before.a).toBe(6);
    // GSO packets with a tag would be refused late without that.
    const stream = await deliver(hA, hB, '10.99.0.2', 2_000_000);
    expect(stream.grew('TcpInCsumErrors')).toBe(0);
  });

  it('inner IPv6: passes unaided and never comes to the queue', async () => {
    const { hA, rA, hB } = net;
    for (const [host, address] of [
      [hA, 'fd00::1/64'],
      [hB, 'fd00::2/64'],
    ] as const) {
      await host.sysctl({ 'net.ipv6.conf.eth0.disable_ipv6': 0 });
      await host.ip('address', 'add', address, 'dev', 'eth0', 'nodad');
    }
    const before = await counted();
    // 1452 + 8 + 40 = 1500 bytes.
    expect(await ping(hA, 'fd00::2', { size: 1452 })).toMatchObject({ sent: 3, received: 3 });
    const after = await counted();
    expect(after.totals.packets).toBe(before.totals.packets);
    expect([after.a - before.a, after.b - before.b]).toEqual([6, 6]);
    expect((await nstat(rA))('IpFragFails')).toBe(0);
  });

  it("hosts' own fragments: pass with DF clear, each in an outer packet of its own", async () => {
    const { hA } = net;
    const before = await counted();
    // 4000 + 8 bytes in pieces of 1480: 1500, 1500 and 1068 bytes. The first two are 1538 outside, cut in two each; the
    // third is 1106 and stays whole: 4 fragments for a request, 4 for a reply.
    expect(await ping(hA, HOST_B, { size: 4000, dontFragment: false })).toMatchObject({ sent: 3, received: 3 });
    const after = await counted();
    expect(after.totals.packets).toBe(before.totals.packets);
    expect([after.a - before.a, after.b - before.b]).toEqual([12, 12]);
    expect(after.whole - before.whole).toBe(6);
  });

  it('UDP GSO packets: each datagram whole, through the companion queue', async () => {
    const { hA, hB } = net;
    const [segments, sends] = [32, 20];
    const count = segments * sends;
    const before = await counted();
    const received = await nstat(hB);
    const sink = hB.spawn(await guest().tool('sink'), ['5001']);
    await sink.says(/ready/);
    const sender = await guest().tool('segments');
    await hA.exec(sender, [HOST_B, '5001', '1472', String(segments), String(sends)]);
    await until('all datagrams are there', async () => {
      return (await nstat(hB))('UdpInDatagrams') - received('UdpInDatagrams') >= count;
    });
    await sink.stop();
    expect(JSON.parse(sink.stdout)).toEqual({ received: count, distinct: count, corrupt: 0 });
    expect((await nstat(hB))('UdpInCsumErrors')).toBe(received('UdpInCsumErrors'));
    const after = await counted();
    // veth carries at most 65535 - 14 bytes: 32 × 1472 + 28 fits, so each send is one GSO packet.
    expect(after.totals.requeued - before.totals.requeued).toBe(sends);
    expect(after.totals.cleared - before.totals.cleared).toBe(count);
    expect(after.a - before.a).toBe(2 * count);
  });

  it('connection tracking on all routers: fragments are joined early and cut again, nothing is lost', async () => {
    const { hA, hB, rA, w, rB } = net;
    for (const router of [rA, w, rB]) {
      const rule = ['-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED,NEW', '-j', 'ACCEPT'];
      await router.exec('iptables', ['-A', 'FORWARD', ...rule]);
    }
    const before = await counted();
    const joined = await nstat(w);
    // One after the other: of several first packets of a flow that wait at once, the kernel passes one (docs/limits.md).
    const three = async (options: Parameters<typeof ping>[2]) => {
      for (let i = 0; i < 3; i += 1) {
        expect(await ping(hA, HOST_B, { ...options, count: 1 })).toMatchObject({ sent: 1, received: 1 });
      }
    };
    await three({});
    const after = await counted();
    expect(after.totals.cleared - before.totals.cleared).toBe(3);
    // w joins what rA and rB have cut, 3 requests and 3 replies, and cuts them again.
    expect((await nstat(w))('IpReasmOKs') - joined('IpReasmOKs')).toBe(6);
    expect((await nstat(w))('IpFragOKs') - joined('IpFragOKs')).toBe(6);
    // A host's three fragments are one packet of 4028 bytes at the bridge's hooks.
    await three({ size: 4000, dontFragment: false });
    const stream = await deliver(hA, hB, HOST_B, 2_000_000);
    expect(stream.grew('TcpInCsumErrors')).toBe(0);
    const flow = await datagrams(hA, hB, HOST_B, { count: 100 });
    expect(flow).toMatchObject({ sent: 100, lost: 0 });
  });
});
