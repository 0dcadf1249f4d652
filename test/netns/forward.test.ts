/**
 * Packets in transit over a link that is too small: seen from ping, from captures on both links,
 * from the kernel's counters on every host, and from clear-df's own.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 *
 * A 1500-byte packet leaves eth1 as two fragments: 20 + 1376 bytes (the largest multiple of 8 that
 * fits 1380) and 20 + 104 bytes.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Capture, type Captured } from '../helpers/capture.js';
import { clearDf, DF_SET, foreignRule, startClearDf } from '../helpers/clear-df.js';
import { deliver } from '../helpers/delivery.js';
import { nstat, queue, ruleCounter, rulesText } from '../helpers/kernel.js';
import { CLIENT, forgetPathMtu, learntPathMtu, ROUTER, type Routed, routed, SERVER } from '../helpers/topology.js';
import { tool } from '../helpers/tools.js';
import { flooded, installSink, ping, startFlood } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';

const OWN_RULES = [
  ...['--install-rules', '--hook', 'prerouting', '--forwarded', '--in-dev', 'eth0'],
  ...['--larger-than', 'mtu', '--out-dev', 'eth1'],
];

let net: Routed;
beforeEach(async () => {
  net = await routed();
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

describe('full-size packets with DF', () => {
  it('are lost without clear-df and pass with it, and everybody counts the same', async () => {
    const { client, router, server } = net;
    const count = 5;

    const lost = await ping(client, SERVER, { count, patience: 0.2 });
    expect(lost).toMatchObject({ sent: count, received: 0, loss: 100 });
    expect(await learntPathMtu(client, SERVER)).toBe(1400);
    await forgetPathMtu(client);

    await foreignRule(router, { chain: 'FORWARD', match: ['-p', 'sctp'] });
    const rulesBefore = await rulesText(router);
    const daemon = await startClearDf(router, '0', OWN_RULES);
    const before = { router: await nstat(router), server: await nstat(server), client: await nstat(client) };
    const near = await Capture.start(router, 'eth0', ['icmp', 'and', 'src', CLIENT]);
    const far = await Capture.start(server, 'eth0', ['icmp', 'and', 'src', CLIENT]);

    expect(await ping(client, SERVER, { count })).toMatchObject({ sent: count, received: count, loss: 0 });
    expect(await learntPathMtu(client, SERVER)).toBeUndefined();

    const sent = await near.stop(count);
    expect(sent).toHaveLength(count);
    expect(sent.every(({ dontFragment, length }) => dontFragment && length === 1500)).toBe(true);
    expectFragments(await far.stop(2 * count), count);

    const after = { router: await nstat(router), server: await nstat(server), client: await nstat(client) };
    // Requests are cut on the router; answers are cut by the server, whose own link is the small one.
    expect(after.router('IpFragOKs') - before.router('IpFragOKs')).toBe(count);
    expect(after.router('IpFragCreates') - before.router('IpFragCreates')).toBe(2 * count);
    expect(after.server('IpReasmOKs') - before.server('IpReasmOKs')).toBe(count);
    expect(after.client('IpReasmOKs') - before.client('IpReasmOKs')).toBe(count);
    expect(await queue(router, 0)).toMatchObject({ sequence: count, waiting: 0, queueDropped: 0, userDropped: 0 });
    const { totals } = await daemon.settledStats();
    expect(totals).toMatchObject({ packets: count, bytes: count * 1500, cleared: count, verdicts: count });
    expect(totals).toMatchObject({ alreadyClear: 0, verdictErrors: 0, leaked: 0, badChecksum: 0 });

    expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
    expect(await rulesText(router)).toBe(rulesBefore);
    expect(await queue(router, 0)).toBeUndefined();
    await forgetPathMtu(client);
    expect((await ping(client, SERVER, { count: 1, patience: 0.2 })).received).toBe(0);
  });

  it('reach the queue alone: neither DF-clear packets nor those that fit do', async () => {
    const { client, router } = net;
    const daemon = await startClearDf(router, '0', OWN_RULES);
    expect((await ping(client, SERVER, { count: 4, dontFragment: false })).received).toBe(4);
    // 1372 + 28 = 1400: fits.
    expect((await ping(client, SERVER, { count: 4, size: 1372 })).received).toBe(4);
    expect(await queue(router, 0)).toMatchObject({ sequence: 0 });
    // 1373 + 28 = 1401: the smallest that does not.
    expect((await ping(client, SERVER, { count: 4, size: 1373 })).received).toBe(4);
    expect(await queue(router, 0)).toMatchObject({ sequence: 4 });
    expect((await daemon.settledStats()).totals).toMatchObject({ packets: 4, cleared: 4 });
  });

  it('are left alone at UDP port 443, where QUIC probes with them', async () => {
    const { client, router } = net;
    await startClearDf(router, '0', OWN_RULES);
    await installSink(net.server);
    const before = await nstat(router);
    // One datagram at a time: the router answers each with ICMP and limits its rate.
    const { stderr, exitCode } = await client.try('/usr/bin/python3', [
      '-c',
      'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n' +
        `s.setsockopt(0, 10, 3); s.sendto(bytes(1472), ("${SERVER}", 443))`,
    ]);
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    await until('the router refuses the datagram', async () => {
      const now = await nstat(router);
      return now('IpFragFails') - before('IpFragFails') === 1;
    });
    expect(await queue(router, 0)).toMatchObject({ sequence: 0 });
  });
});

describe('the identification', () => {
  const COUNT = 100;

  /** Sends COUNT full-size datagrams; their headers before the router, and the first fragments behind it. */
  async function across(policy: string): Promise<{ near: Captured[]; far: Captured[] }> {
    const { client, router, server } = net;
    await startClearDf(router, '0', [...OWN_RULES, '--identification', policy]);
    await installSink(server);
    const filter = ['udp', 'or', 'ip[6:2] & 0x1fff != 0'];
    const near = await Capture.start(router, 'eth0', filter);
    const far = await Capture.start(server, 'eth0', filter);
    await flooded(await startFlood(client, { destination: SERVER, length: 1500, count: COUNT }));
    const fragments = await far.stop(2 * COUNT);
    expectFragments(fragments, COUNT);
    return { near: await near.stop(COUNT), far: fragments.filter(({ offset }) => offset === 0) };
  }

  it('is unpredictable and never repeats with random', async () => {
    const { far } = await across('random');
    const ids = far.map(({ identification }) => identification);
    expect(new Set(ids).size).toBe(COUNT);
    // By chance a next one follows its predecessor in 1 of 65,535: three such steps among 99 are 2 in 10^10.
    expect(steps(ids).filter((step) => step === 1).length).toBeLessThan(3);
  });

  it('is kept with keep', async () => {
    const { near, far } = await across('keep');
    const ids = near.map(({ identification }) => identification);
    expect(ids.every((id) => id !== 0)).toBe(true);
    expect(far.map(({ identification }) => identification)).toEqual(ids);
  });

  it('is given with keep where there is none', async () => {
    const { client, router, server } = net;
    await startClearDf(router, '0', [...OWN_RULES, '--identification', 'keep']);
    const near = await Capture.start(router, 'eth0', ['icmp', 'and', 'src', CLIENT]);
    const far = await Capture.start(server, 'eth0', ['icmp', 'and', 'src', CLIENT]);
    const count = 10;
    expect(await ping(client, SERVER, { count })).toMatchObject({ received: count });
    // Linux numbers DF packets of connected sockets only, and ping's is not.
    expect((await near.stop(count)).map(({ identification }) => identification)).toEqual(Array(count).fill(0));
    const fragments = await far.stop(2 * count);
    expectFragments(fragments, count);
    expect(new Set(fragments.map(({ identification }) => identification)).size).toBe(count);
  });

  it('counts up with sequential', async () => {
    const { far } = await across('sequential');
    // 65535 is followed by 1: 0 is never given.
    expect(steps(far.map(({ identification }) => identification)).every((step) => step === 1)).toBe(true);
  });
});

describe('UDP GSO packets', () => {
  it('arrive datagram by datagram, whole, through the companion queue', async () => {
    const { client, router, server } = net;
    const [segments, sends] = [32, 20];
    const datagrams = segments * sends;
    const daemon = await startClearDf(router, '0', OWN_RULES);
    const { companion } = await daemon.stats();
    expect(companion).toBeTypeOf('number');
    const sink = server.spawn(await tool('sink'), ['5001']);
    await sink.says(/ready/);
    const before = { router: await nstat(router), server: await nstat(server) };

    await client.exec(await tool('segments'), [SERVER, '5001', '1472', String(segments), String(sends)]);
    await until('all datagrams are there', async () => {
      return (await nstat(server))('UdpInDatagrams') - before.server('UdpInDatagrams') >= datagrams;
    });
    await sink.stop();
    expect(JSON.parse(sink.stdout)).toEqual({ received: datagrams, distinct: datagrams, corrupt: 0 });

    const after = { router: await nstat(router), server: await nstat(server) };
    expect(after.server('UdpInCsumErrors') - before.server('UdpInCsumErrors')).toBe(0);
    expect(after.router('IpFragOKs') - before.router('IpFragOKs')).toBe(datagrams);
    expect(after.server('IpReasmOKs') - before.server('IpReasmOKs')).toBe(datagrams);
    const { queues, totals } = await daemon.settledStats();
    const [main, second] = [queues.find((q) => !q.companion), queues.find((q) => q.companion)];
    expect(main?.counters).toMatchObject({ packets: sends, requeued: sends, cleared: 0 });
    expect(second?.counters).toMatchObject({ packets: datagrams, cleared: datagrams, requeued: 0 });
    expect(totals).toMatchObject({ verdicts: sends + datagrams, verdictErrors: 0, gso: 0 });
    expect(await queue(router, companion as number)).toMatchObject({ sequence: datagrams, userDropped: 0 });
  });
});

describe('a bare --queue fed at PREROUTING without an address condition', () => {
  it('does not harm TCP to the router itself', async () => {
    const { client, router } = net;
    await foreignRule(router, { match: ['-i', 'eth0', ...DF_SET] });
    const daemon = await startClearDf(router, '0');
    const result = await deliver(client, router, ROUTER, 50_000_000);
    expect(result.grew('TcpInCsumErrors')).toBe(0);
    const { totals } = await daemon.settledStats();
    // GSO packets came; one that is delivered here is never segmented, so that its checksum was finished whole.
    expect(totals.gso).toBeGreaterThan(0);
    expect(totals.checksumFinished).toBeGreaterThanOrEqual(totals.gso);
    expect(totals.packets).toBe(totals.verdicts);
    // The connection's last packets may still come between the two readings.
    await until('the queue has seen what the rule has matched', async () => {
      return (await ruleCounter(router, 'foreign')).packets === (await queue(router, 0))?.sequence;
    });
  });
});

describe('clear-df stats', () => {
  it('reads the running instance of its own namespace', async () => {
    const { client, router } = net;
    await startClearDf(router, '0', OWN_RULES);
    await ping(client, SERVER);
    const { stdout, exitCode } = await clearDf(router, ['stats']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/cleared\s+3\b/);
    expect((await clearDf(client, ['stats'])).exitCode).not.toBe(0);
  });
});

/** `packets` full-size packets as fragments, in order. */
function expectFragments(fragments: Captured[], packets: number): void {
  expect(fragments).toHaveLength(2 * packets);
  for (let i = 0; i < fragments.length; i += 2) {
    const [head, tail] = [fragments[i], fragments[i + 1]];
    expect(head).toMatchObject({ length: 1396, offset: 0, moreFragments: true, dontFragment: false });
    expect(tail).toMatchObject({ length: 124, offset: 1376, moreFragments: false, dontFragment: false });
    expect(head?.headerChecksumGood && tail?.headerChecksumGood).toBe(true);
    expect(head?.identification).not.toBe(0);
    expect(tail?.identification).toBe(head?.identification);
  }
}

/** How far each identification is from the one before it, 0 left out of the circle. */
function steps(ids: number[]): number[] {
  return ids.slice(1).map((id, i) => (id - (ids[i] as number) + 65_535) % 65_535);
}
