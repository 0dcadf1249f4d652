/**
 * Three sites in one VXLAN, which `test/helpers/mesh.ts` draws.
 *
 * A host's packet of 1500 bytes with DF is 1500 + 14 + 8 (VXLAN) + 8 (UDP) + 20 = 1550 outside: fragments of 1500 and 70.
 * Nothing helps it at first, and the kernel answers with ICMP. Engine bpf clears DF on rA and rC, a queue on rB.
 */
import { expect, it } from 'vitest';
import { Capture } from '../helpers/capture.js';
import { hostOf, type Mesh, mesh, meshEnd, PAIRS, routerOf, SITES } from '../helpers/mesh.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';

it('carries full-size DF packets between all sites, each broadcast once, and leaves nothing behind', async () => {
  const net = await mesh();
  await using _lab = net.lab;
  const { h, r, w } = net;
  const before = await Promise.all(SITES.map((site) => routerText(r[site])));
  const ends = await Promise.all(SITES.map((site) => meshEnd(net, site, { engine: site === 'B' ? 'nfqueue' : 'bpf' })));
  const outer = await Capture.start(w, 'A', ['ip and src host', routerOf('A')]);
  await Promise.all(ends.map((end) => end.up()));

  for (const [from, to] of PAIRS) {
    expect(await ping(h[from], hostOf(to)), `${from} to ${to}`).toMatchObject({ sent: 3, received: 3 });
  }
  // Two pings of three requests from hA: 6 packets in two fragments each.
  const wire = await outer.stop(12);
  const cut = wire.filter(({ offset, moreFragments }) => offset > 0 || moreFragments);
  expect(cut.map(({ length }) => length).sort((a, b) => a - b)).toEqual([
    70, 70, 70, 70, 70, 70, 1500, 1500, 1500, 1500, 1500, 1500,
  ]);
  expect(cut.some(({ dontFragment }) => dontFragment)).toBe(false);
  await broadcasts(net);

  // An edited file: 1400 bytes between hosts, and rB alone; 1372 + 28 = 1400 passes whole, and nothing is made anew.
  const small = await meshEnd(net, 'A', {
    engine: 'bpf',
    remotes: [routerOf('B')],
    more: ['tunnel: { type: vxlan }', 'mtu: 1400'],
  });
  const [device, program] = [await r.A.read('/sys/class/net/vxlan1/ifindex'), await programs(net)];
  await small.up();
  expect([await r.A.read('/sys/class/net/vxlan1/ifindex'), await programs(net)]).toEqual([device, program]);
  expect(await r.A.exec('bridge', ['fdb', 'show', 'dev', 'vxlan1'])).not.toContain(
    `00:00:00:00:00:00 dst ${routerOf('C')}`,
  );
  expect(await ping(h.A, hostOf('B'), { size: 1372 })).toMatchObject({ received: 3 });
  expect(await ping(h.A, hostOf('B'), { count: 1, patience: 1 })).toMatchObject({ received: 0 });

  await Promise.all(ends.map((end) => end.down()));
  expect(await Promise.all(SITES.map((site) => routerText(r[site])))).toEqual(before);
});

/** What is attached at the device of rA. */
function programs({ r }: Mesh): Promise<string> {
  return r.A.exec('tc', ['filter', 'show', 'dev', 'vxlan1', 'egress']);
}

/** Three pings of hA to everyone arrive at hB and hC three times each: no site hands on between two others. */
async function broadcasts({ h }: Mesh): Promise<void> {
  const seen = await Promise.all(
    (['B', 'C'] as const).map((site) => Capture.start(h[site], 'eth0', ['icmp[icmptype] = icmp-echo'])),
  );
  await h.A.try('ping', ['-b', '-c', '3', '-i', '0.2', '-W', '1', '10.32.0.255']);
  // What has been sent before a packet that arrives has arrived.
  for (const site of ['B', 'C'] as const) {
    expect(await ping(h.A, hostOf(site), { size: 56, count: 1 })).toMatchObject({ received: 1 });
  }
  for (const capture of seen) {
    const destinations = (await capture.stop(4)).map(({ destination }) => destination);
    expect(destinations.filter((one) => one === '10.32.0.255')).toHaveLength(3);
  }
}
