/** `fragment: inner`: the arithmetic of a cut before the tunnel, and what the plan does for it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { verdict } from '../../src/commands/probe-text.js';
import { ruleLine } from '../../src/rules/iptables.js';
import { ruleLines } from '../../src/rules/nft.js';
import { resolveRules } from '../../src/rules/resolve.js';
import { checkSite } from '../../src/tunnel/check.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import type { Site } from '../../src/tunnel/site/site.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { tunnelSizes } from '../../src/tunnel/tunnel-sizes.js';
import { planText } from '../../src/tunnel/plan-text.js';
import { address, espCarrier, espInUdpCarrier, facts, link, site } from './tunnel-samples.js';

const inner = (parts: Parameters<typeof site>[0] = {}) => site({ fragment: 'inner', ...parts });
const VXLAN = { type: 'vxlan', name: 'vxlan1', vni: 1, port: 4789 } as const;
const path = (mtu: number) => ({ dev: 'eth1', mtu, source: undefined, via: undefined });

/** Of an inner packet of 1500 and a path of 1500: MTU of the port, what is cut, what leaves. */
const SIZES: [name: string, site: Site, mtu: number, pieces: number[], wire: number[]][] = [
  // 1500 - 38 - 4; 20 + 1432 (units of 8 within 1438) and 20 + 48; 38 more each
  ['GRE', inner(), 1458, [1452, 68], [1490, 106]],
  // 1500 - 42 - 4 = 1454: 20 + 1432 as well, since 1434 has no more units
  ['GRE with key', inner({ tunnel: { key: 1 } }), 1454, [1452, 68], [1494, 110]],
  // 1500 - 50 - 4; 20 + 1424 and 20 + 56
  ['VXLAN', inner({ tunnel: VXLAN }), 1446, [1444, 76], [1494, 126]],
  // Fits: 1428, less 4; 1404 holds 175 units, 1400. ESP pads to 4: 18 + 1420 + 2 = 1440, and 20 + 8 + 8 + 16 around.
  ['ESP, GCM', inner({ carrier: espCarrier() }), 1424, [1420, 100], [1492, 172]],
  // Fits: 1420, less 4; 1396 holds 174 units, 1392; the same, with 8 of UDP.
  ['ESP in UDP, GCM', inner({ carrier: espInUdpCarrier() }), 1416, [1412, 108], [1492, 188]],
];

describe('sizes of a cut before the tunnel', () => {
  it.each(SIZES)('%s', (_name, asked, mtu, pieces, wire) => {
    const sizes = tunnelSizes(asked, facts());
    expect(sizes.inside?.mtu).toBe(mtu);
    expect(sizes.inside?.pieces.map(({ length }) => length)).toEqual(pieces);
    expect(sizes.wire.map(({ length }) => length)).toEqual(wire);
    expect(sizes.fits).toBe(mtu);
  });

  it('are those of the narrowest path, as the file or a route says', () => {
    expect(tunnelSizes(inner({ pathMtu: 1400 }), facts()).inside?.mtu).toBe(1358);
    const morePaths = [{ to: '172.16.0.9', ...path(1400) }];
    expect(tunnelSizes(inner({ tunnel: VXLAN }), facts({ morePaths })).inside?.mtu).toBe(1346);
  });

  it('leave nothing outside that is a fragment or too large, with a VLAN tag neither', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...SIZES.map(([, asked]) => asked)),
        fc.integer({ min: 576, max: 9216 }),
        fc.integer({ min: 576, max: 9000 }),
        (asked, mtu, full) => {
          const of = (length: number, fragment: 'inner' | 'outer') =>
            tunnelSizes({ ...asked, fragment, mtu: length }, facts({ path: path(mtu) }));
          const { wire, inside } = of(full, 'inner');
          const pieces = inside?.pieces ?? [];
          expect(wire.every(({ offset, moreFragments }) => offset === 0 && !moreFragments)).toBe(true);
          // The pieces are the packet, each with a header of its own.
          expect(pieces.reduce((sum, { length }) => sum + length - 20, 20)).toBe(full);
          for (const { length } of pieces) {
            expect(length).toBeLessThanOrEqual(inside?.mtu ?? 0);
            // A tag is 4 bytes of frame more, as if the packet were longer.
            expect(of(length + 4, 'outer').wire).toHaveLength(1);
          }
        },
      ),
    );
  });
});

describe('probe', () => {
  const words = (largest: number, limit: Limit) =>
    verdict(
      {
        ...{ size: 1500, reachable: 'yes', fullSize: 'yes', fullSizeBack: 'yes', largest, limit },
        ...{ fragments: { out: 'no', back: 'unknown' }, packets: { sent: 9, lost: 6 }, rows: [] },
      },
      'host',
    );
  type Limit = NonNullable<Parameters<typeof verdict>[0]['limit']>;

  it('proposes it where full-size packets pass and fragments do not, with the MTU of a path that no route knows', () => {
    const end = 'in the site files cuts before the tunnel (docs/fragment-inner.md).';
    expect(words(1500, { by: 'host', mtu: 1500, errno: 90 })).toBe(
      'Full-size packets with DF pass (1500 bytes). Fragments do not pass outbound: a tunnel that cuts outside loses every ' +
        `packet that does not fit. fragment: inner ${end}`,
    );
    expect(words(1520, { by: 'silence' })).toContain(`fragment: inner and path-mtu: 1520 ${end}`);
  });

  it('does not where there is room around a full-size packet', () => {
    expect(words(1600, { by: 'silence' })).toMatch(/Fragments do not pass outbound\.$/);
  });
});

describe('the plan of a cut before the tunnel', () => {
  const text = (asked: Site) => planText(planTunnel(asked, facts()), facts());

  it('sets the MTU of port and bridge, and leaves that of the hosts’ ports', () => {
    const plan = planTunnel(inner(), facts());
    const mtus = plan.items.filter(({ kind }) => kind === 'mtu').map(({ desired }) => desired);
    expect(mtus).toEqual([
      'gretap1 has an MTU of 1458 bytes',
      'eth0 has an MTU of at least 1500 bytes',
      'br0 has an MTU of 1458 bytes',
    ]);
  });

  it('takes the queue, has GSO packets split before it, and leaves clamped TCP alone', () => {
    const { engine, mangler } = planTunnel(inner(), facts());
    expect(engine).toBe('nfqueue');
    expect(mangler).toMatchObject({ backend: 'iptables', gso: 'off' });
    const rules = resolveRules(mangler?.rules[0] ?? expect.fail());
    const end = '-m comment --comment "clear-df:site-a" -j NFQUEUE --queue-num 0 --queue-bypass';
    const df = '-m physdev --physdev-out gretap1 --physdev-is-bridged -m u32 --u32 "0x4&0x4000=0x4000"';
    expect(rules.map(ruleLine)).toEqual([
      `-A FORWARD ! -p tcp ${df} -m length ! --length 0:1458 ${end}`,
      `-A FORWARD -p tcp ${df} -m length --length 1459:1500 ${end}`,
    ]);
    expect(rules.flatMap(ruleLines).map((line) => line.split(' counter')[0])).toEqual([
      'oifname "gretap1" ip protocol != 6 ip frag-off & 0x4000 != 0 meta length > 1458',
      'oifname "gretap1" ip protocol 6 meta length <= 1500 ip frag-off & 0x4000 != 0 meta length > 1458',
    ]);
  });

  it('clamps TCP to what the port takes, both ways and of both families', () => {
    const shown = text(inner({ tunnel: VXLAN }));
    for (const way of ['oifname', 'iifname']) {
      for (const [family, size] of [
        ['ip', 1406],
        ['ip6', 1386],
      ] as const) {
        expect(shown).toContain(
          `${way} "vxlan1" meta protocol ${family} tcp flags & syn != 0 tcp option maxseg size > ${size} counter tcp option maxseg size set ${size}`,
        );
      }
    }
  });

  it('says what it does to hosts, and where nothing has to be cut', () => {
    const shown = text(inner()).replace(/\n# +/g, ' ');
    expect(shown).toContain('which the receiving host joins');
    expect(shown).toContain('IPv6 packets of more than 1458 bytes other than TCP are lost');
    expect(shown).toContain('AdvLinkMTU 1458');
    expect(shown).toContain('with two tags, frames of more than 1458 bytes are lost');
    expect(text(inner({ pathMtu: 1300 })).replace(/\n# +/g, ' ')).toContain('less than the 1280 that IPv6 needs');
    const roomy = planTunnel(inner(), facts({ path: path(1600) }));
    expect(roomy.notes).toContain(
      'the path carries every packet of 1500 bytes whole: fragment: inner has nothing to do here',
    );
  });

  it('needs no route for path-mtu: nothing outside is cut', () => {
    const kinds = planTunnel(inner({ pathMtu: 1400 }), facts()).items.map(({ kind }) => kind);
    expect(kinds).not.toContain('path-route');
  });

  it('refuses a path without room, and a machine whose bridge cannot queue', () => {
    const text80 =
      'local: 192.168.200.1\nremote: 172.16.0.1\nunderlay: eth1\nbridge: { ports: [eth0] }\nfragment: inner\n';
    const asked = parseSite(text80, 'a.yaml');
    const links = [link('eth0'), link('eth1', { mtu: 100, addresses: [address('192.168.200.1/24')] })];
    // 100 - 38 - 4 = 58.
    expect(() => checkSite(asked, facts({ links, path: path(100) }))).toThrow(/a\.yaml:5 fragment.*leaves 58/s);
    const can = { ...facts().can, bridgeQueue: 'no' as const, nftBridgeQueue: 'yes' as const };
    expect(() => checkSite(asked, facts({ can }))).toThrow('iptables cannot queue bridged frames here');
  });
});
