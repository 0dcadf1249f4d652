/**
 * Identifications on the wire, when the router has merged what it received.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 *   no segmentation      GRO on                      captured
 *   offload
 *
 * A full segment carries 1,460 bytes at most, and is one datagram of two fragments behind the router.
 * The first fragment of a datagram has offset 0, so there are as many of them as datagrams; each has to
 * have an identification of its own.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Capture } from '../helpers/capture.js';
import { DF_SET, foreignRule, startClearDf } from '../helpers/clear-df.js';
import { type Routed, routed, SERVER } from '../helpers/topology.js';
import { bulk } from '../helpers/traffic.js';

const BYTES = 2_000_000;

let net: Routed;
beforeEach(async () => {
  net = await routed();
  await net.client.offload('eth0', { tso: false, gso: false, tx: false });
  await net.router.offload('eth0', { gro: true });
  await foreignRule(net.router, { match: ['-i', 'eth0', '-p', 'tcp', ...DF_SET] });
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

describe('packets that GRO has merged', () => {
  it.each([
    { sender: 'numbers its packets', constant: false },
    // As RFC 6864 allows for packets with DF: GRO merges them, and the kernel would number all
    // segments of the merged packet alike.
    { sender: 'gives all of them identification 0', constant: true },
  ])(
    'from a sender that $sender leave with an identification each',
    async ({ constant }) => {
      const { client, router, server } = net;
      if (constant) await zeroIdentifications();
      const daemon = await startClearDf(router, '0');
      const capture = await Capture.start(server, 'eth0', ['ip', 'src', '10.0.0.2'], 96);
      const { grew, megabytes } = await bulk(client, server, SERVER, { bytes: BYTES });
      const segments = Math.floor((megabytes * 1e6) / 1460);
      const captured = await capture.stop(2 * segments);
      const { totals } = await daemon.settledStats();

      const datagrams = captured.filter(({ moreFragments, offset }) => moreFragments && offset === 0);
      expect(segments).toBeGreaterThan(500);
      expect(datagrams.length).toBeGreaterThanOrEqual(segments);
      expect(new Set(datagrams.map(({ identification }) => identification)).size).toBe(datagrams.length);
      expect(datagrams.some(({ identification, dontFragment }) => identification === 0 || dontFragment)).toBe(false);
      expect(grew('TcpInCsumErrors')).toBe(0);
      expect(grew('IpReasmFails')).toBe(0);
      // That packets were merged at all shows in what became of the merged ones.
      expect(constant ? totals.requeued : totals.gso).toBeGreaterThan(0);
      expect(constant ? totals.gso : totals.requeued).toBe(0);
    },
    60_000,
  );
});

async function zeroIdentifications(): Promise<void> {
  const { client } = net;
  await client.exec('nft', ['add', 'table', 'ip', 'atomic']);
  await client.exec('nft', ['add', 'chain', 'ip', 'atomic', 'out', '{ type filter hook output priority 0 ; }']);
  await client.exec('nft', ['add', 'rule', 'ip', 'atomic', 'out', 'ip', 'protocol', 'tcp', 'ip', 'id', 'set', '0']);
}
