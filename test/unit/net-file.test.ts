/** What comes of a net's file: site files that mirror each other, their plans, the table and the picture. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { netPicture } from '../../src/tunnel/net/picture.js';
import { siteText } from '../../src/tunnel/net/site-text.js';
import { netText, pathSizes } from '../../src/tunnel/net/sizes.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { openEnds, withEnds } from '../../src/tunnel/site/open-ends.js';
import type { Site } from '../../src/tunnel/site/site.js';
import { ALIKE, HUB, MESH, netOf, plansOf, sitesText, SUPPORTED } from './net-samples.js';
import { WRONG_NETS } from './net-wrong.js';
import { facts } from './tunnel-samples.js';

/** After a wanted change: `UPDATE_GOLDEN=1 npx vitest run --project unit test/unit/net-file.test.ts`, and look. */
function golden(name: string, text: string): void {
  const file = path.join(import.meta.dirname, '../golden', name);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
}

const filesText = (text: string): string => {
  const net = netOf(text);
  return net.ends.map((end) => `## ${end.site}/${end.tunnel}.yaml\n${siteText(net, end)}`).join('\n');
};

describe('a net', () => {
  it.each(Object.entries(SUPPORTED))(
    '%s: every file is accepted by plan, and both ends predict the same',
    (_, text) => {
      const net = netOf(text);
      const plans = plansOf(net);
      expect(plans.size).toBe(net.ends.length);
      for (const { ends } of net.paths) {
        const [one, two] = ends.map((end) => plans.get(end)?.plan);
        expect(one?.items.length).toBeGreaterThan(3);
        expect(one?.sizes.wire).toEqual(two?.sizes.wire);
        expect([one?.site.local, one?.site.tunnel.type, one?.site.mtu]).toEqual([
          ...[
            two?.site.remote === one?.site.local || two?.site.moreRemotes?.includes(one?.site.local ?? '')
              ? one?.site.local
              : '?',
          ],
          ...[two?.site.tunnel.type, two?.site.mtu],
        ]);
      }
    },
  );

  it('is read as its files are', () => {
    for (const text of Object.values(SUPPORTED)) {
      const net = netOf(text);
      for (const end of net.ends) {
        const bare = ({ place: _place, file: _file, ...rest }: Site) => rest;
        expect(bare(parseSite(siteText(net, end), 'office.yaml', ''))).toEqual(bare(end.parsed));
      }
    }
  });

  it('of many sites has files with a line for each of them, none longer than what is read', () => {
    const many = Array.from(
      { length: 120 },
      (_, i) => `  the-router-of-branch-number-${i}: { local: 10.100.200.${i} }\n`,
    );
    const net = netOf(`${ALIKE}shape: mesh\nsites:\n${many.join('')}`);
    const [end] = net.ends;
    if (end === undefined) throw new Error('there is no site');
    const text = siteText(net, end);
    expect(text).toContain('remotes:\n  - 10.100.200.1  # the-router-of-branch-number-1\n  - 10.100.200.2  #');
    expect(parseSite(text, 'office.yaml', '').moreRemotes).toEqual(end.parsed.moreRemotes);
  });

  it.each([
    ['mesh', `${ALIKE}shape: mesh\n`, ['remotes: [192.0.2.1, gw.example]', 'remotes: [192.0.2.1, 198.51.100.1]']],
    ['hub', `${ALIKE}shape: hub\nhub: main\ntunnel: { type: l2tp }\n`, ['remote: 192.0.2.1', 'remote: 192.0.2.1']],
  ])('has names looked up by the others: %s', (_, words, [north = '', west = '']) => {
    const net = netOf(`${words}${sitesText(2)}  west: { local: gw.example }\n`);
    const of = (site: string) => net.ends.filter((end) => end.site === site).map((end) => siteText(net, end));
    expect(of('north').join()).toContain(`local: 198.51.100.1\n${north}  #`);
    expect(of('west').join()).toContain(`local: auto\n${west}  #`);
    expect(of('main').join()).toContain('gw.example');
    expect(netText(net)).toMatch(/^west +gw\.example +eth1/m);
    expect(netPicture(net)).toContain('>gw.example<');
    // What is planned does not depend on it: the same net with an address.
    const other = netOf(`${words}${sitesText(2)}  west: { local: 203.0.113.1 }\n`);
    expect(pathSizes(net)).toMatchObject(pathSizes(other).map(({ sizes }) => ({ sizes })));
    for (const end of net.ends) {
      const text = siteText(net, end);
      const ends = openEnds(text, 'office.yaml');
      expect(ends.length > 0).toBe(end.site === 'west' || end.others.includes('west'));
      const found = withEnds(text, ends, ({ key }) => (key === 'local' ? '203.0.113.1' : '203.0.113.9'));
      expect(planTunnel(parseSite(found, 'office.yaml', ''), facts()).items.length).toBeGreaterThan(3);
    }
  });

  it('has a path between every two sites of a mesh, and from each spoke to the hub', () => {
    const pairsOf = (text: string) => netOf(text).paths.map(({ ends }) => ends.map(({ site }) => site).join(' '));
    expect(pairsOf(MESH)).toEqual(['main north', 'main south', 'north south']);
    expect(pairsOf(HUB)).toEqual(['main north', 'main south', 'main west', 'main east']);
  });

  it('gives each of the hub’s tunnels a device, and queues and a port of metrics where it has some', () => {
    const ofHub = (text: string) =>
      netOf(text)
        .ends.filter(({ site }) => site === 'main')
        .map(({ parsed: { name, tunnel, queues, metrics } }) => [
          name,
          tunnel.name,
          queues.first,
          queues.last,
          metrics,
        ]);
    expect(ofHub(SUPPORTED['hub, gretap by queues'] ?? '')).toEqual([
      ['office-north', 'to-north', 2, 3, '127.0.0.1:9857'],
      ['office-south', 'to-south', 4, 5, '127.0.0.1:9858'],
      ['office-west', 'to-west', 6, 7, '127.0.0.1:9859'],
    ]);
    expect(siteText(netOf(HUB), netOf(HUB).ends[2] ?? (undefined as never))).not.toContain('queue');
  });

  it('lays what one site says over what all say, key by key, and a map of another type in its place', () => {
    const more = { north: 'tunnel: { ttl: 5 }, engine: bpf', south: 'tunnel: { type: l2tp }' };
    const net = netOf(
      `underlay: eth1\nbridge: { ports: [eth0] }\nshape: hub\nhub: main\ntunnel: { type: gretap, key: 7 }\n${sitesText(3, more)}`,
    );
    const of = (tunnel: string, site: string) =>
      net.ends.find((end) => end.tunnel === tunnel && end.site === site)?.parsed;
    expect(of('office-north', 'north')).toMatchObject({ engine: 'bpf', tunnel: { type: 'gretap', key: 7, ttl: 5 } });
    // TTL and engine are of one router; the key is of both.
    expect(of('office-north', 'main')).toMatchObject({
      engine: 'auto',
      tunnel: { type: 'gretap', key: 7, ttl: undefined },
    });
    expect(of('office-south', 'south')?.tunnel.type).toBe('l2tp');
    expect(of('office-south', 'main')?.tunnel.type).toBe('l2tp');
  });

  it('changes no more files than it has to, when a site comes to a hub', () => {
    const four = netOf(
      `shape: hub\nhub: main\nunderlay: eth1\nbridge: { ports: [eth0] }\nengine: nfqueue\n${sitesText(4)}`,
    );
    const five = netOf(
      `shape: hub\nhub: main\nunderlay: eth1\nbridge: { ports: [eth0] }\nengine: nfqueue\n${sitesText(5)}`,
    );
    const texts = five.ends.map((end) => siteText(five, end));
    for (const end of four.ends) expect(texts).toContain(siteText(four, end));
  });

  it.each(['office.net', 'branches.net'])('of the examples is right: %s', (name) => {
    const file = path.join(import.meta.dirname, '../../examples', `${name}.yaml`);
    expect(plansOf(netOf(readFileSync(file, 'utf8'), file)).size).toBeGreaterThan(2);
  });
});

describe('for people', () => {
  it('a mesh of three: files, table and picture', () => {
    golden('net-mesh-files.txt', filesText(MESH));
    golden('net-mesh.txt', netText(netOf(MESH)));
    golden('net-mesh.svg', netPicture(netOf(MESH)));
  });

  it('a hub with four spokes: files, table and picture', () => {
    const text = HUB.replace('hub: main\n', 'hub: main\ncarrier: { type: esp, keys: auto }\n');
    golden('net-hub-files.txt', filesText(text));
    golden('net-hub.txt', netText(netOf(text)));
    golden('net-hub.svg', netPicture(netOf(text)));
  });

  it('sizes are those of the path that is told', () => {
    expect(netText(netOf(HUB), 1400)).toContain('1396 + 162');
  });

  it.each(Object.keys(SUPPORTED))('the picture of %s is sound XML, with a title and a line for each path', (name) => {
    const net = netOf(SUPPORTED[name] ?? '');
    const svg = netPicture(net);
    const open: string[] = [];
    // Between two tags there is text without < and &, and every tag is closed in its turn.
    for (const [, text = '', close, tag = '', empty] of svg.matchAll(
      /([^<]*)<(\/?)([a-z]+)(?: [\w-]+="[^"<&]*")*(\/?)>/g,
    )) {
      expect(text).not.toMatch(/[&>]/);
      if (close === '/') expect(open.pop()).toBe(tag);
      else if (empty === '') open.push(tag);
    }
    expect(open).toEqual([]);
    expect(svg.replace(/<[^<>]*>|[^<>]/g, '').trim()).toBe('');
    expect(svg.match(/<line /g)).toHaveLength(net.paths.length);
    expect(svg).toContain('<title id="title">Net office');
    expect(svg).not.toContain('NaN');
  });
});

describe('a wrong net is refused', () => {
  it('in every way that is known', () => expect(WRONG_NETS.length).toBeGreaterThanOrEqual(20));

  it.each(WRONG_NETS)('$title', ({ text, line, words }) => {
    const read = () => netOf(text);
    expect(read).toThrow(expect.objectContaining({ code: 'USAGE' }));
    expect(read).toThrow(new RegExp(`office\\.yaml:${line}[ :]`));
    for (const word of words) expect(read).toThrow(word);
  });
});
