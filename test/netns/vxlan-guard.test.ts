/**
 * A VXLAN of rA and rB inside ESP, whose keys another program has, and none runs: nothing may pass. rC is a stranger, and
 * sends VXLAN of the same identifier to another address of rA. `test/helpers/mesh.ts` draws the network.
 *
 *   rC ── VXLAN, not ESP ── 203.0.113.1 (lo of rA)
 */
import { expect, it } from 'vitest';
import { hostOf, mesh, meshEnd, routerOf } from '../helpers/mesh.js';
import { ping } from '../helpers/traffic.js';

const ELSEWHERE = '203.0.113.1';

it('a VXLAN inside ESP takes nothing from a stranger at any address, and sends nothing to one', async (context) => {
  const net = await mesh();
  await using _lab = net.lab;
  const { h, r } = net;
  const xfrm = await r.A.try('ip', ['xfrm', 'policy']);
  if (xfrm.exitCode !== 0) context.skip('kernel: no IPsec');
  await r.A.ip('address', 'add', `${ELSEWHERE}/32`, 'dev', 'lo');
  await r.C.ip('route', 'add', `${ELSEWHERE}/32`, 'via', routerOf('A'));

  const sealed = await meshEnd(net, 'A', { remotes: [routerOf('B')], carrier: '{ type: esp, keys: external }' });
  const stranger = await meshEnd(net, 'C', { remotes: [ELSEWHERE] });
  await Promise.all([sealed.up(), stranger.up()]);
  expect(await ping(h.C, hostOf('A'), { size: 56, count: 2, patience: 1 })).toMatchObject({ received: 0 });
  const dropped = async (hook: string) =>
    Number(
      new RegExp(`hook ${hook} [^}]*?ipsec missing counter packets (\\d+)`).exec(
        await r.A.exec('nft', ['list', 'table', 'inet', 'clear_df_mesh-A']),
      )?.[1],
    );
  expect(await dropped('input')).toBeGreaterThan(0);
  expect(await r.A.exec('bridge', ['fdb', 'show', 'dev', 'vxlan1'])).not.toContain(routerOf('C'));

  // As if it had been learnt before, when rC was a site of the tunnel.
  const [, address = ''] = /link\/ether (\S+)/.exec(await h.C.ip('link', 'show', 'dev', 'eth0')) ?? [];
  await r.A.exec('bridge', ['fdb', 'replace', address, 'dev', 'vxlan1', 'dst', routerOf('C'), 'self', 'dynamic']);
  await h.A.ip('neigh', 'replace', hostOf('C'), 'lladdr', address, 'dev', 'eth0');
  const before = await dropped('output');
  expect(await ping(h.A, hostOf('C'), { size: 56, count: 2, patience: 1 })).toMatchObject({ received: 0 });
  expect(await dropped('output')).toBeGreaterThanOrEqual(before + 2);
  await Promise.all([sealed.down(), stranger.down()]);
});
