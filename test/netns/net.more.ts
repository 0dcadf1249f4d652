/**
 * Sites brought up from the files of one net: three; then five, one of which comes and one goes while others talk.
 * `test/helpers/mesh.ts` draws the network; `vxlan.test.ts` shows in `npm test` what site files like these do.
 */
import { expect, it } from 'vitest';
import { Capture } from '../helpers/capture.js';
import { clearDf } from '../helpers/clear-df.js';
import { FIVE, hostOf, mesh, meshOf, PAIRS, routerOf, SITES } from '../helpers/mesh.js';
import { endOf, netFile, writeMesh } from '../helpers/net.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';

type Site = (typeof FIVE)[number];
const FOUR: readonly Site[] = ['A', 'B', 'C', 'D'];

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

it('a site comes and another goes under traffic, each broadcast arrives once, and nothing is left in any order', async () => {
  const net = await meshOf(FIVE);
  await using _lab = net.lab;
  const { h, r } = net;
  const textOf = (site: Site) => routerText(r[site]);
  const before = await Promise.all(FIVE.map(textOf));
  const up = async (sites: readonly Site[]) => {
    await Promise.all(sites.map(async (site) => (await endOf(net, site)).up()));
  };
  const passes = async (from: Site, to: Site) => {
    expect(await ping(h[from], hostOf(to)), `${from} to ${to}`).toMatchObject({ sent: 3, received: 3 });
  };

  await writeMesh(net, FOUR);
  await up(FOUR);
  const flow = h.A.spawn('ping', ['-n', '-M', 'do', '-s', '1472', '-i', '0.05', hostOf('B')]);
  await flow.says(/icmp_seq=3 /);

  // E comes: its own file is new, and each other one names it.
  expect(await writeMesh(net, FIVE)).toContain('5 written, 0 as before');
  await up(FIVE);
  for (const [i, from] of FIVE.entries()) for (const to of FIVE.slice(i + 1)) await passes(from, to);
  await broadcastOnce(h, 'C');

  // D goes: down there, and up on the others with files that do not name it.
  await (await endOf(net, 'D')).down();
  const left: readonly Site[] = ['A', 'B', 'C', 'E'];
  const said = await writeMesh(net, left);
  expect(said).toContain('4 written, 0 as before');
  expect(said).toMatch(/left: .*\/lan\/D\/lan\.yaml is of no site any more/);
  await up(left);
  const known = await r.A.exec('bridge', ['fdb', 'show', 'dev', 'vxlan1']);
  expect([...known.matchAll(/00:00:00:00:00:00 dst (\S+)/g)].map(([, to]) => to)).toEqual(
    (['B', 'C', 'E'] as const).map(routerOf),
  );
  await passes('C', 'E');
  await flow.stop('SIGINT');
  expect(flow.stdout).toMatch(/ 0% packet loss/);

  for (const site of ['C', 'A', 'E', 'B'] as const) await (await endOf(net, site)).down();
  expect(await Promise.all(FIVE.map(textOf))).toEqual(before);
});

/** Three pings to everyone arrive at each other host three times: no site hands on between two others. */
async function broadcastOnce(h: Awaited<ReturnType<typeof meshOf<Site>>>['h'], from: Site): Promise<void> {
  const others = FIVE.filter((site) => site !== from);
  const seen = await Promise.all(
    others.map((site) => Capture.start(h[site], 'eth0', ['icmp[icmptype] = icmp-echo', 'and src host', hostOf(from)])),
  );
  await h[from].try('ping', ['-b', '-c', '3', '-i', '0.2', '-W', '1', '10.32.0.255']);
  // What has been sent before a packet that arrives has arrived.
  for (const site of others) {
    expect(await ping(h[from], hostOf(site), { size: 56, count: 1 })).toMatchObject({ received: 1 });
  }
  for (const capture of seen) {
    const destinations = (await capture.stop(4)).map(({ destination }) => destination);
    expect(destinations.filter((one) => one === '10.32.0.255')).toHaveLength(3);
  }
}
