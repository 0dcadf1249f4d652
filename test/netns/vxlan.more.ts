/**
 * A site leaves a VXLAN of three, and comes back, while the others go on. `test/helpers/mesh.ts` draws the network.
 */
import { expect, it } from 'vitest';
import { clearDf } from '../helpers/clear-df.js';
import { hostOf, mesh, meshEnd, routerOf, SITES } from '../helpers/mesh.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';

const EVERYONE = /00:00:00:00:00:00 dst (\S+)/g;

it('up on an edited file takes one site away and back, and no packet of the others is lost', async () => {
  const net = await mesh();
  await using _lab = net.lab;
  const { h, r } = net;
  const before = await Promise.all(SITES.map((site) => routerText(r[site])));
  const ends = await Promise.all(SITES.map((site) => meshEnd(net, site)));
  const [near] = ends;
  if (near === undefined) throw new Error('there is no site');
  // 1500 + 14 + 8 + 8 + 20 = 1550: 20 + 1480, and 20 + 50.
  expect(await near.plannedLengths()).toEqual([1500, 70]);
  await Promise.all(ends.map((end) => end.up()));
  const known = async () =>
    [...(await r.A.exec('bridge', ['fdb', 'show', 'dev', 'vxlan1'])).matchAll(EVERYONE)].map(([, to]) => to);
  expect(await known()).toEqual([routerOf('B'), routerOf('C')]);

  const flow = h.A.spawn('ping', ['-n', '-M', 'do', '-s', '1472', '-i', '0.05', hostOf('B')]);
  await flow.says(/icmp_seq=3 /);
  await (await meshEnd(net, 'A', { remotes: [routerOf('B')] })).up();
  expect(await known()).toEqual([routerOf('B')]);
  await (await meshEnd(net, 'A')).up();
  expect(await known()).toEqual([routerOf('B'), routerOf('C')]);
  await flow.stop('SIGINT');
  expect(flow.stdout).toMatch(/ 0% packet loss/);
  expect(await ping(h.A, hostOf('C'))).toMatchObject({ received: 3 });

  const status = await clearDf(r.A, ['tunnel', 'status', near.file], 60_000);
  expect(status.exitCode, status.stdout).toBe(0);
  expect(status.stdout).toContain(`vxlan1 sends to ${routerOf('C')}`);
  const doctor = await clearDf(r.A, ['doctor', near.file], 120_000);
  expect(doctor.stdout).toMatch(/ok +full-size DF frames into vxlan1/);

  // Whatever the order.
  for (const end of ends) await end.down();
  expect(await Promise.all(SITES.map((site) => routerText(r[site])))).toEqual(before);
});
