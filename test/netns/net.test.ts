/**
 * Three sites brought up from the files of one net. `test/helpers/mesh.ts` draws the network.
 *
 * 1500 + 14 + 8 (VXLAN) + 8 (UDP) + 20 = 1550 outside: fragments of 1500 and 70.
 */
import { expect, it } from 'vitest';
import { clearDf } from '../helpers/clear-df.js';
import { hostOf, mesh, PAIRS, SITES } from '../helpers/mesh.js';
import { endOf, netFile, writeMesh } from '../helpers/net.js';
import { ping } from '../helpers/traffic.js';

it('carries full-size DF packets between all sites of one file, and diff finds nothing', async () => {
  const net = await mesh();
  await using _lab = net.lab;
  expect(await writeMesh(net, SITES)).toContain('3 written, 0 as before');
  const ends = await Promise.all(SITES.map((site) => endOf(net, site)));
  await Promise.all(ends.map((end) => end.up()));
  for (const [from, to] of PAIRS) {
    expect(await ping(net.h[from], hostOf(to)), `${from} to ${to}`).toMatchObject({ sent: 3, received: 3 });
  }
  const diff = await clearDf(net.r.B, ['net', 'diff', await netFile(net)], 60_000);
  expect(diff, diff.stdout).toMatchObject({ exitCode: 0, stdout: '' });
});
