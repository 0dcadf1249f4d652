/**
 * TCP bulk through the queue, GSO packets whole and segmented.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2 (advertises MSS 1460)
 *
 * A full segment is 1500 bytes with DF and has to be cut behind the router. What has to hold is that none arrives
 * with a wrong checksum, and who saw GSO packets.
 *
 * 20 MB are 13,800 datagrams of one triple. Identifications do not repeat within 30,000, so that the half of a
 * datagram whose other half was lost (the router's egress veth drops when the backlog of the server's core is full)
 * meets no other for the 30 s that it waits. With more megabytes it would.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DF_SET, type Daemon, foreignRule, startClearDf } from '../helpers/clear-df.js';
import { deliver } from '../helpers/delivery.js';
import { nstat, queue } from '../helpers/kernel.js';
import { learntPathMtu, type Routed, routed, SERVER } from '../helpers/topology.js';

const BYTES = 20_000_000;

let net: Routed;
beforeEach(async () => {
  net = await routed();
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

async function transfer(daemon: Daemon): Promise<void> {
  const { client, router, server } = net;
  const before = await nstat(router);
  const result = await deliver(client, server, SERVER, BYTES);
  const after = await nstat(router);
  console.log(
    `${daemon.running.command.replace(/.*main.js /, '')}: ${result.megabitsPerSecond.toFixed(0)} Mbit/s, ` +
      `${result.retransmits} retransmits, ${after('IpFragOKs') - before('IpFragOKs')} packets cut`,
  );
  expect(result.grew('TcpInCsumErrors')).toBe(0);
  expect(result.grew('IpReasmFails') - result.grew('IpReasmTimeout')).toBe(0);
  // It really was full-size data that was cut, not data that path MTU discovery had made small. A small segment goes
  // out only where the receiver's window ends, and no other before it is acknowledged (Nagle, as Minshall has it):
  // at least every other one is full.
  expect(await learntPathMtu(client, SERVER)).toBeUndefined();
  expect(after('IpFragOKs') - before('IpFragOKs')).toBeGreaterThan(BYTES / 1460 / 2);
  const { totals } = await daemon.settledStats();
  expect(totals.packets).toBe(totals.verdicts);
  expect(totals).toMatchObject({ verdictErrors: 0, truncated: 0, malformed: 0, badChecksum: 0, unfinished: 0 });
}

describe.each([
  { gso: 'auto', whole: true },
  { gso: 'off', whole: false },
])('TCP with --gso $gso', ({ gso, whole }) => {
  it('crosses a forwarding router whose own rules queue it at PREROUTING', async () => {
    const { router } = net;
    const rules = ['--install-rules', '--hook', 'prerouting', '--forwarded', '--in-dev', 'eth0'];
    const daemon = await startClearDf(router, '0', [...rules, '--larger-than', '1400', '--gso', gso]);
    await transfer(daemon);
    await expectSuperPackets(daemon, whole);
  });

  it('crosses a router whose bare queue cannot know that it does not stay', async () => {
    const { router } = net;
    await foreignRule(router, { match: ['-i', 'eth0', '-p', 'tcp', ...DF_SET] });
    const daemon = await startClearDf(router, '0', ['--gso', gso]);
    await transfer(daemon);
    await expectSuperPackets(daemon, whole);
  });

  it('leaves the host whose OUTPUT queues it', async () => {
    const { client } = net;
    await foreignRule(client, { chain: 'OUTPUT', match: ['-o', 'eth0', '-p', 'tcp', ...DF_SET] });
    const daemon = await startClearDf(client, '0', ['--gso', gso]);
    await transfer(daemon);
    await expectSuperPackets(daemon, whole);
  });
});

async function expectSuperPackets(daemon: Daemon, whole: boolean): Promise<void> {
  const { totals } = await daemon.stats();
  expect(totals.cleared).toBeGreaterThan(0);
  if (whole) {
    expect(totals.gso).toBeGreaterThan(0);
    // Whole GSO packets need far fewer packets than the segments that they hold.
    expect(totals.identifications).toBeGreaterThan(totals.cleared);
  } else {
    expect(totals.gso).toBe(0);
    expect(totals.requeued).toBe(0);
    expect(totals.identifications).toBe(totals.cleared);
  }
  expect(await queue(daemon.at, 0)).toMatchObject({ waiting: 0 });
}
