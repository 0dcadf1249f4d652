/**
 * Identifications on the wire behind a router that merges what it receives (GRO).
 *
 * A full segment carries 1,448 bytes (1,460 without time stamps) and is one datagram of two fragments behind the
 * router. The first fragment of a datagram has offset 0, so there are as many of them as datagrams; each has to have
 * an identification of its own. 2 MB are 1,382 datagrams, and none repeats within 30,000.
 *
 * Both captures are complete: near, as many packets as the client's IP layer sent; far, as many fragments as the
 * router made, but for those that its veth dropped. A fragment that the veth dropped, because the backlog of the server's
 * core was full, is sent again in another datagram; its other half waits for 30 s, alone, as no identification comes
 * twice.
 */
import { expect } from 'vitest';
import { Capture } from './capture.js';
import { DF_SET, foreignRule, startClearDf } from './clear-df.js';
import { deliver } from './delivery.js';
import { device, nstat } from './kernel.js';
import { CLIENT, learntPathMtu, type Routed, SERVER } from './topology.js';
import { sendSegmentsAlone, zeroIdentifications } from './unnumbered.js';

const BYTES = 2_000_000;
const MOST = 1460;
const FAST = ['--install-rules', '--forwarded', '--in-dev', 'eth0', '--out-dev', 'eth1', '--fast-path', 'require'];

export interface Numbering {
  /** The sender gives every packet identification 0, as RFC 6864 allows for packets with DF. */
  constant: boolean;
  /** The program stands in front of the queue. */
  fast: boolean;
}

/** Has the client send one segment a packet, and the router merge what it receives. */
export async function mergeOnReceipt({ client, router }: Pick<Routed, 'client' | 'router'>): Promise<void> {
  await sendSegmentsAlone(client, 'eth0');
  await router.offload('eth0', { gro: true });
  // What has come stays open for more for up to 1 ms, however few packets the core finds at a time.
  await router.exec('sh', ['-c', 'echo 1000000 >/sys/class/net/eth0/gro_flush_timeout']);
}

/** Sends TCP through the router, and counts. */
export async function expectNumbered(net: Routed, { constant, fast }: Numbering): Promise<void> {
  const { client, router, server } = net;
  if (constant) await zeroIdentifications(client);
  if (!fast) await foreignRule(router, { match: ['-i', 'eth0', '-p', 'tcp', ...DF_SET] });
  const daemon = await startClearDf(router, '0', fast ? FAST : []);
  const near = await Capture.start(client, 'eth0', ['src', CLIENT], 96);
  const far = await Capture.start(server, 'eth0', ['src', CLIENT, 'and', 'ip[6:2] & 0x3fff != 0'], 96);
  const before = { client: await nstat(client), router: await nstat(router), link: await device(router, 'eth1') };
  const { grew } = await deliver(client, server, SERVER, BYTES);
  const { totals, queues, fastPath } = await daemon.settledStats();
  const after = { client: await nstat(client), router: await nstat(router), link: await device(router, 'eth1') };
  const sent = await near.stop(after.client('IpOutRequests') - before.client('IpOutRequests'));
  const dropped = after.link.txDropped - before.link.txDropped;
  // Two fragments each; the small last segment of a merged packet goes through the same hands, but becomes one.
  const grewAtRouter = (name: string): number => after.router(name) - before.router(name);
  const cut = grewAtRouter('IpFragCreates') - grewAtRouter('IpFragOKs');
  const captured = await far.stop(2 * cut - dropped);
  const datagrams = captured.filter(({ moreFragments, offset }) => moreFragments && offset === 0);
  // Path MTU discovery has not made the segments small, so that nearly each was cut: a small one is sent where the
  // window ends, and no other before it is acknowledged (Nagle, as Minshall has it).
  expect(await learntPathMtu(client, SERVER)).toBeUndefined();
  expect(cut).toBeGreaterThan(BYTES / MOST / 2);
  expect(datagrams.length).toBeLessThanOrEqual(cut);
  expect(datagrams.length).toBeGreaterThanOrEqual(cut - dropped);
  expect(new Set(datagrams.map(({ identification }) => identification)).size).toBe(datagrams.length);
  expect(datagrams.some(({ identification, dontFragment }) => identification === 0 || dontFragment)).toBe(false);
  expect(grew('TcpInCsumErrors')).toBe(0);
  expect(grew('IpReasmFails') - grew('IpReasmTimeout')).toBe(0);
  expect(totals).toMatchObject({ leaked: 0, overrun: 0, verdictErrors: 0, verdicts: totals.packets });

  // What the sender did is what the title says. A counter passes 0 once in 65,536 packets, and a merged packet has
  // the identification of its first segment.
  const full = sent.filter(({ length }) => length > 1400);
  const zeros = full.filter(({ identification }) => identification === 0).length;
  expect(full.length).toBeGreaterThanOrEqual(cut);
  if (constant) expect(zeros).toBe(full.length);
  else expect(zeros).toBeLessThan(full.length / 100);
  // That packets were merged at all shows in what became of the merged ones.
  if (fast) {
    const counted = fastPath[0]?.counters;
    expect(constant ? counted?.leftForQueue : counted?.gso).toBeGreaterThan(0);
    // Nothing else came to the queue; from one flow it gets all or nothing, since it numbers packets by itself.
    // (A GSO packet comes once, and its segments to the companion.)
    expect(queues.find(({ queue }) => queue === 0)?.counters.packets).toBe(counted?.leftForQueue);
    if (constant) expect(totals.requeued).toBeGreaterThan(0);
    return;
  }
  expect(constant ? totals.requeued : totals.gso).toBeGreaterThan(0);
  if (constant) expect(totals.gso).toBe(0);
  else expect(totals.requeued).toBeLessThanOrEqual(zeros);
}
