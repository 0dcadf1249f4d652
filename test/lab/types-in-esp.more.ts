/**
 * Tunnels of types l2tp and vxlan inside ESP: what passes, what a stranger cannot put in, and three sites of one VXLAN
 * with keys from IKE. `test/helpers/article.ts` draws the network of the first two, `test/helpers/mesh.ts` the last one's.
 */
import { beforeAll, expect, it } from 'vitest';
import { type Article, HOST_A, inArticle, HOST_B, ROUTER_A } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { expectPassage, SEALED } from '../helpers/carriers.js';
import { clearDf } from '../helpers/clear-df.js';
import { espCarrier } from '../helpers/esp.js';
import { Charon } from '../helpers/ike.js';
import { newSecret } from '../helpers/ike-site.js';
import { xfrmTroubles } from '../helpers/kernel.js';
import { hostOf, mesh, meshEnd, PAIRS, routerOf, SITES } from '../helpers/mesh.js';
import type { Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { until } from '../helpers/until.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
/** w's own address on router A's link. */
const STRANGER = '192.168.200.2';
/** Everything but ESP and IKE; fragments of ESP are ESP. */
const READABLE = 'ip and not ip proto 50 and not udp port 500 and not udp port 4500'.split(' ');

describeKernels(['own', 'newest'], 'types of tunnel inside ESP', (guest) => {
  // Before all else: they stay.
  beforeAll(async () => guest().modprobe('l2tp_eth', 'l2tp_ip', 'vxlan', 'esp4', 'br_netfilter'));

  const within = async (use: (net: Article) => Promise<void>) => inArticle(guest(), use);

  it.each(SEALED)('$name: passes whole, as planned, and leaves nothing behind', async (passage) => {
    await within((net) => expectPassage(net, passage));
  });

  // A VXLAN's source port is made of the frame's flow: 40 of them, of which none may find a port without a policy.
  it('vxlan: no flow leaves unencrypted, whatever source port it comes to', async () => {
    await within(async (net) => {
      const { hA, w } = net;
      const carrier = await espCarrier(net, 'transport', 'aes-gcm-256');
      const ends = await tunnelEnds(net, { carrier, engine: 'bpf', more: ['tunnel: { type: vxlan }'] });
      const wan = await Capture.start(w, 'eth1', ['ip']);
      await upBoth(ends);
      expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
      await hA.exec('bash', ['-c', `for port in {6001..6040}; do echo > /dev/udp/${HOST_B}/$port; done`]);
      await ping(hA, HOST_B);
      await wan.finish(40);
      expect(await wan.lines(['not ip proto 50'])).toEqual(['']);
      await downBoth(ends);
    });
  });

  // w makes the other end of the same session, or of the same VXLAN, without ESP, and broadcasts into it: each of its
  // ARP requests (who has host A) would come to host A, which would answer.
  it.each([
    { type: 'l2tp', device: 'l2tp1', make: intoSession },
    { type: 'vxlan', device: 'vxlan1', make: intoVxlan },
  ])('$type: what a third machine sends without ESP is not taken', async ({ type, device, make }) => {
    await within(async (net) => {
      const { hA, rA, w } = net;
      const carrier = await espCarrier(net, 'transport', 'aes-gcm-256');
      const options = { carrier, engine: type === 'l2tp' ? 'none' : 'bpf', more: [`tunnel: { type: ${type} }`] };
      const ends = await tunnelEnds(net, options);
      await upBoth(ends);
      expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
      await make(rA, w);
      await w.ip('link', 'set', 'stray', 'up');
      await w.ip('address', 'add', '10.32.0.99/24', 'dev', 'stray');
      const table = ['list', 'table', 'inet', 'clear_df_site-a'];
      const dropped = async () =>
        Number(
          /ipsec missing counter packets (\d+)/.exec((await rA.exec('nft', table)).split('chain input')[1] ?? '')?.[1],
        );
      expect(await dropped()).toBe(0);
      expect(await ping(w, HOST_A, { size: 56 })).toMatchObject({ received: 0 });
      expect(await dropped()).toBeGreaterThan(0);
      // The control: without that chain it is taken.
      await rA.exec('nft', ['flush', 'chain', 'inet', 'clear_df_site-a', 'input']);
      const arrived = await Capture.start(rA, device, ['arp']);
      await ping(w, HOST_A, { size: 56 });
      await arrived.finish(1);
      expect((await arrived.lines()).filter((line) => line.includes('10.32.0.99')).length).toBeGreaterThan(0);
      await downBoth(ends);
    });
  });

  it(
    'three sites of one VXLAN with keys from IKE: all pairs, a site leaves and comes back, nothing readable',
    async () => {
      const net = await mesh(guest());
      try {
        const { h, r, w, lab } = net;
        await Promise.all(SITES.map((site) => Charon.start(r[site])));
        const before = await Promise.all(SITES.map((site) => routerText(r[site])));
        const psk = `${await lab.scratch()}/mesh.psk`;
        await lab.machine.writeFile(psk, `${newSecret()}\n`, 0o600);
        const options = { carrier: `{ type: esp, ike: { psk: ${psk} } }` };
        const ends = await Promise.all(SITES.map((site) => meshEnd(net, site, options)));
        const readable = await Capture.start(w, 'br0', READABLE);
        await Promise.all(ends.map((end) => end.up()));
        const troubles = await Promise.all(SITES.map((site) => xfrmTroubles(r[site])));
        for (const [one, other] of PAIRS) {
          expect(await ping(h[one], hostOf(other)), `${one} to ${other}`).toMatchObject({ received: 3 });
          expect(await ping(h[other], hostOf(one)), `${other} to ${one}`).toMatchObject({ received: 3 });
        }
        const [near] = ends;
        if (near === undefined) throw new Error('there is no site');
        const status = await clearDf(r.A, ['tunnel', 'status', near.file], 120 * SECOND);
        expect(status.exitCode, status.stdout).toBe(0);
        for (const site of ['B', 'C'] as const) {
          expect(status.stdout).toContain(`${routerOf(site)}: established with ${routerOf(site)}`);
        }
        const doctor = await clearDf(r.A, ['doctor', near.file], 300 * SECOND);
        expect(doctor.stdout).toMatch(new RegExp(`ok +policy that encrypts VXLAN to ${routerOf('C')}`));
        expect(doctor.stdout).toMatch(/ok +INPUT: lets UDP 500 from/);

        const flow = h.A.spawn('ping', ['-n', '-M', 'do', '-s', '1472', '-i', '0.1', hostOf('B')]);
        await flow.says(/icmp_seq=3 /);
        await (await meshEnd(net, 'A', { ...options, remotes: [routerOf('B')] })).up();
        const conns = async () => r.A.exec('swanctl', ['--list-conns']);
        expect(await conns()).not.toContain('192-168-200-3');
        await (await meshEnd(net, 'A', options)).up();
        expect(await conns()).toContain('192-168-200-3');
        await flow.stop('SIGINT');
        expect(flow.stdout).toMatch(/ 0% packet loss/);
        await until('A and C have keys again', async () => {
          return (await ping(h.A, hostOf('C'), { count: 1, patience: 2 })).received === 1;
        });
        expect(await Promise.all(SITES.map((site) => xfrmTroubles(r[site])))).toEqual(troubles);
        for (const end of ends) await end.down();
        expect(await readable.stop(0)).toEqual([]);
        expect(await Promise.all(SITES.map((site) => routerText(r[site])))).toEqual(before);
        expect(await r.A.exec('swanctl', ['--list-conns'])).toBe('');
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    900 * SECOND,
  );
});

/** Sends into router A's session as router B does, from w. */
async function intoSession(rA: Namespace, w: Namespace): Promise<void> {
  const [tunnel] = JSON.parse(await rA.exec('ip', ['-j', 'l2tp', 'show', 'tunnel'])) as { tunnel_id: number }[];
  const [session] = JSON.parse(await rA.exec('ip', ['-j', 'l2tp', 'show', 'session'])) as { session_id: number }[];
  const id = ['tunnel_id', '77', 'peer_tunnel_id', String(tunnel?.tunnel_id)];
  await w.ip('l2tp', 'add', 'tunnel', ...id, 'encap', 'ip', 'local', STRANGER, 'remote', ROUTER_A);
  const ids = ['tunnel_id', '77', 'session_id', '77', 'peer_session_id', String(session?.session_id)];
  await w.ip('l2tp', 'add', 'session', 'name', 'stray', ...ids);
}

async function intoVxlan(_rA: Namespace, w: Namespace): Promise<void> {
  const words = ['id', '1', 'local', STRANGER, 'remote', ROUTER_A, 'dstport', '4789'];
  await w.ip('link', 'add', 'name', 'stray', 'type', 'vxlan', ...words);
}
