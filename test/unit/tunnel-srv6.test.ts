/** Carrier srv6: what a site file may say, the arithmetic, what is refused, and what tenants share. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { readIpv6Host } from '../../src/net/address6.js';
import { judgeEndDt4 } from '../../src/host/probes/end-dt4.js';
import { checkSite } from '../../src/tunnel/check.js';
import { unmet } from '../../src/tunnel/item.js';
import type { Facts, TableRoute } from '../../src/tunnel/facts.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { tunnelSizes } from '../../src/tunnel/tunnel-sizes.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import type { Srv6Carrier } from '../../src/tunnel/site/site.js';
import { address, facts, link, site } from './tunnel-samples.js';

const SPEC: Srv6Carrier = {
  type: 'srv6',
  vrf: 'vrf100',
  table: 100,
  hop: { vrf: 'hop-100', table: 1_000_100 },
  sid: 'fc00:a::100',
  segments: ['fc00:b::100'],
  source: '2001:db8:a::1',
  encap: 'encap',
  cut: 'auto',
};
const ENDS = { local: '10.255.0.1', remote: '10.255.0.2' };
const srv6 = (parts: Partial<Srv6Carrier> = {}) => site({ ...ENDS, carrier: { ...SPEC, ...parts } });

const CORE = link('eth1', { addresses: [address('2001:db8:a::1/64')] });
/** A router with an IPv6 core of this MTU on eth1. */
const core = (mtu: number, parts: Partial<Facts> = {}) =>
  facts({
    links: [link('eth0'), { ...CORE, mtu }],
    path: { dev: 'eth1', mtu, source: '2001:db8:a::1', via: '2001:db8:a::2' },
    sysctls: new Map([['net/ipv6/conf/eth1/disable_ipv6', '0']]),
    tunsrc: '::',
    can: { ...facts().can, endDt4: 'yes' },
    ...parts,
  });

const segments = (count: number) => Array.from({ length: count }, (_, i) => `fc00:b::${i + 1}`);

function refusal(act: () => unknown): ClearDfError {
  try {
    act();
  } catch (error) {
    if (error instanceof ClearDfError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

const FILE = `local: 10.255.0.1
remote: 10.255.0.2
underlay: eth1
bridge: { ports: [eth0] }
carrier:
  type: srv6
  vrf: vrf100
  table: 100
  sid: fc00:a::100
  segments: [fc00:b:0::100]
  source: 2001:db8:a::1
`;
const lines = (from: string, to: string) => FILE.replace(from, to);

describe('the site file', () => {
  it('has defaults, and writes addresses as ip prints them', () => {
    expect(parseSite(FILE, 'a.yaml').carrier).toEqual(SPEC);
  });

  const WRONG: [text: string, words: string][] = [
    [lines('sid: fc00:a::100', 'sid: 10.0.0.1'), "a.yaml:9 carrier.sid: '10.0.0.1' is not accepted"],
    [lines('sid: fc00:a::100', 'sid: fe80::1'), 'it is good on one link only'],
    [lines('sid: fc00:a::100', 'sid: fc00::1/64'), 'without a prefix length: fc00::1'],
    [lines('[fc00:b:0::100]', '[]'), 'expected a list of IPv6 addresses, the other end last'],
    [lines('[fc00:b:0::100]', 'fc00:b::100'), 'expected a list of IPv6 addresses, the other end last'],
    [lines('[fc00:b:0::100]', `[${segments(128).join(', ')}]`), 'has room for 127 (RFC 8754 §2)'],
    [lines('[fc00:b:0::100]', `[${segments(110).join(', ')}]`), 'no more than 1023 characters'],
    [lines('table: 100', 'table: 254'), 'it is one of default, main and local'],
    [lines('table: 100', 'table: 0'), "'0' is not accepted; expected a routing table"],
    [lines('vrf: vrf100', 'vrf: eth1'), 'eth1 is the underlay already'],
    [lines('vrf: vrf100', 'vrf: hop-100'), 'cannot be the VRF of the second hop'],
  ];
  it.each(WRONG)('is refused: %#', (text, words) => {
    expect(refusal(() => parseSite(text, 'a.yaml')).message).toContain(words);
  });
});

describe('the example', () => {
  it('is read, and needs a core of 1606: 1500 + 14 + 4 + 4 + 20, and 64 of segments', () => {
    const file = path.join(import.meta.dirname, '../../examples/site-srv6.yaml');
    const example = parseSite(readFileSync(file, 'utf8'), file);
    expect(tunnelSizes(example, core(1606)).wire.map(({ length }) => length)).toEqual([1606]);
    expect(tunnelSizes(example, core(1605)).wire).toHaveLength(2);
  });
});

describe('sizes', () => {
  // As test/lab/srv6.more.ts derives them.
  it.each([
    [1, 'encap', 1500, [1500, 186]],
    [2, 'encap', 1500, [1500, 218]],
    [4, 'encap', 1500, [1500, 282]],
    [1, 'encap.red', 1500, [1500, 138]],
    [4, 'encap.red', 1500, [1500, 250]],
    [1, 'encap', 1602, [1602]],
    [1, 'encap', 1601, [1596, 90]],
    [1, 'encap.red', 1578, [1578]],
  ] as const)('of %i segments, %s, core %i', (count, encap, mtu, wire) => {
    const sizes = tunnelSizes(srv6({ segments: segments(count), encap }), core(mtu));
    expect(sizes.wire.map(({ length }) => length)).toEqual(wire);
    expect(sizes).toMatchObject({ version: 6, outer: 1538, cutBy: wire.length === 1 ? 'eth1' : 'hop-100' });
  });

  it('never make a packet that the core does not take, and lose no byte, for lists of any length', () => {
    const any = fc.record({
      count: fc.integer({ min: 1, max: 40 }),
      encap: fc.constantFrom('encap' as const, 'encap.red' as const),
      mtu: fc.integer({ min: 1280, max: 9216 }),
    });
    fc.assert(
      fc.property(any, ({ count, encap, mtu }) => {
        const { wire, packets, outer } = tunnelSizes(srv6({ segments: segments(count), encap }), core(mtu));
        const listed = encap === 'encap' ? count : count - 1;
        const around = 40 + (listed === 0 ? 0 : 8 + 16 * listed);
        expect(Math.max(...wire.map(({ length }) => length))).toBeLessThanOrEqual(mtu);
        expect(wire.map(({ length }) => length - around)).toEqual(packets.map(({ length }) => length));
        expect(packets.reduce((sum, { length }) => sum + length - 20, 20)).toBe(outer);
        expect(wire.length === 1).toBe(mtu >= 1538 + around);
      }),
    );
  });
});

describe('the plan', () => {
  it('has a second hop only where the core is too small, and says why', () => {
    const keys = (mtu: number) => planTunnel(srv6(), core(mtu)).items.map(({ key }) => key);
    expect(keys(1602)).not.toContain('vrf hop-100');
    expect(keys(1601)).toContain('vrf hop-100');
    const [why] = planTunnel(srv6(), core(1500)).notes.filter((note) => note.startsWith('cut '));
    expect(why).toMatch(/^cut second-hop: 1538 of GRE and 64 of IPv6 and segments make 1602 bytes, .* carries 1500/);
    expect(planTunnel(srv6({ cut: 'second-hop' }), core(9000)).sizes.cutBy).toBe('hop-100');
  });

  it('keeps GRE from connection tracking where that is loaded', () => {
    const table = (parts: Partial<Facts>) =>
      planTunnel(srv6(), core(1500, parts)).items.some(({ key }) => key === 'nft-table ip clear_df_site-a.srv6');
    expect(table({ modules: new Set(['nf_conntrack']) })).toBe(true);
    expect(table({ modules: new Set(['nf_conntrack']), tables: undefined })).toBe(false);
    expect(table({})).toBe(false);
  });

  it('finds each of its routes as ip prints it, and conflicts with others', () => {
    const find = (key: string) =>
      planTunnel(srv6({ segments: segments(2) }), core(1500)).items.find((item) => item.key === key);
    const route = (table: string, destination: string, words: string): TableRoute => ({
      ...{
        family: destination.includes(':') ? 6 : 4,
        table,
        destination,
        via: undefined,
        dev: '',
        words: words.split(' '),
      },
    });
    const so: [string, TableRoute][] = [
      [
        'route fc00:a::100 table main',
        route('main', 'fc00:a::100', 'encap seg6local action End.DT4 vrftable 100 dev vrf100 metric 1024 pref medium'),
      ],
      ['route 10.255.0.2 table 100', route('100', '10.255.0.2', 'dev hop-100 scope link mtu 1420')],
      [
        'route 10.255.0.2 table 1000100',
        route('1000100', '10.255.0.2', 'encap seg6 mode encap segs 2 [ fc00:b::1 fc00:b::2 ] dev eth1 scope link'),
      ],
    ];
    for (const [key, made] of so) {
      expect(find(key)?.status(core(1500, { tableRoutes: [made] }))).toEqual({ state: 'in-sync' });
      const other = { ...made, words: ['via', '192.0.2.1', 'dev', 'eth9'] };
      expect(find(key)?.status(core(1500, { tableRoutes: [other] })).state).toBe('conflict');
      expect(find(key)?.status(core(1500)).state).toBe('differs');
    }
  });

  it('puts back what tenants share when nobody needs it any more', () => {
    const { items } = planTunnel(srv6(), core(1500));
    const undo = (key: string, from: Facts) => items.find((item) => item.key === key)?.undo(from)[0];
    const seg6 = {
      family: 4,
      table: '200',
      destination: '10.255.0.2',
      via: undefined,
      dev: 'eth1',
      words: ['encap', 'seg6', 'mode'],
    } as const;
    const tunsrc = undo('tunsrc', core(1500));
    expect(tunsrc?.argv).toEqual(['ip', 'sr', 'tunsrc', 'set', '::']);
    expect(unmet(tunsrc!, core(1500, { tableRoutes: [seg6] }))).toContain('relies on it');
    expect(unmet(tunsrc!, core(1500))).toBeUndefined();
    const strict = undo('sysctl net/vrf/strict_mode', core(1500, { sysctls: new Map([['net/vrf/strict_mode', '0']]) }));
    expect(strict?.argv).toEqual(['sysctl', '-w', 'net/vrf/strict_mode=0']);
    expect(unmet(strict!, core(1500, { tableRoutes: [seg6] }))).toBeUndefined();
    const dt4 = { ...seg6, words: ['encap', 'seg6local', 'action', 'End.DT4'] };
    expect(unmet(strict!, core(1500, { tableRoutes: [dt4] }))).toContain('relies on it');
  });
});

describe('a machine', () => {
  const vrf = (name: string, table: number) => link(name, { kind: 'vrf', data: { table } });
  const withLinks = (...more: Facts['links']) => core(1500, { links: [...core(1500).links, ...more] });
  const route6 = (words: string, dev: string): Partial<Facts> => ({
    tableRoutes: [
      { family: 6, table: 'main', destination: 'fc00:a::100', via: undefined, dev, words: words.split(' ') },
    ],
  });

  it('that has all is accepted', () => {
    checkSite(srv6(), core(1500));
    checkSite(srv6(), withLinks(vrf('vrf100', 100)));
    checkSite(srv6(), core(1500, route6('encap seg6local action End.DT4 vrftable 100', 'vrf100')));
  });

  const twin = link('gretap9', { kind: 'gretap', data: { ...ENDS, link: 'vrf200' } });
  const UNFIT: [what: string, facts: Facts, parts: Partial<Srv6Carrier>, words: string][] = [
    [
      'no End.DT4',
      core(1500, { can: { ...facts().can, endDt4: 'no' }, evidence: { endDt4: 'Invalid argument' } }),
      {},
      'cannot do it: Invalid argument',
    ],
    [
      'IPv6 off',
      core(1500, { sysctls: new Map([['net/ipv6/conf/eth1/disable_ipv6', '1']]) }),
      {},
      'IPv6 is off on eth1',
    ],
    ['no IPv6', core(1500, { sysctls: new Map() }), {}, 'this kernel runs without IPv6'],
    ['table taken', withLinks(vrf('blue', 100)), {}, 'table 100 is used by another VRF, blue'],
    [
      'no strict mode',
      withLinks(vrf('a', 7), vrf('b', 7)),
      {},
      'net.vrf.strict_mode cannot be 1 (EBUSY): a and b have table 7 both',
    ],
    [
      'segment is an address',
      withLinks(link('lo', { addresses: [address('fc00:a::100/128')] })),
      {},
      'fc00:a::100 is an address of lo',
    ],
    ['segment taken', core(1500, route6('encap seg6local action End.DT6 table 9', 'eth1')), {}, 'fc00:a::100 is taken'],
    ['own segment', core(1500), { segments: ['fc00:a::100'] }, "this router's own segment"],
    ['another source', core(1500, { tunsrc: '2001:db8::9' }), {}, 'packets with segments come from 2001:db8::9'],
    ['strange source', core(1500), { source: '2001:db8::5' }, 'no device of this machine has 2001:db8::5'],
    [
      'whole, but small',
      core(1601),
      { cut: 'whole' },
      'a full packet has 1602 bytes in IPv6, and the path into the core carries 1601',
    ],
    ['no room', core(1280), { segments: segments(80) }, 'too few for fragments'],
    ['same tunnel', withLinks(twin), {}, 'ip_tunnel_lookup'],
    ['no way', core(1500, { path: undefined }), {}, 'there is no route to fc00:b::100'],
    [
      'other way',
      core(1500, { path: { dev: 'eth0', mtu: 1500, source: undefined, via: undefined } }),
      {},
      'the route to fc00:b::100 uses eth0',
    ],
  ];
  it.each(UNFIT)('is refused: %s', (_, machine, parts, words) => {
    expect(refusal(() => checkSite(srv6(parts), machine)).message).toContain(words);
  });

  it('is asked by what the kernel answers', () => {
    expect(judgeEndDt4('Error: Strict mode for VRF is disabled.').answer).toBe('yes');
    expect(judgeEndDt4('Error: IPv6 is disabled on nexthop device.').answer).toBe('unknown');
    expect(judgeEndDt4('RTNETLINK answers: Invalid argument').answer).toBe('no');
  });
});

describe('IPv6 addresses', () => {
  it('are read as RFC 5952 writes them, or refused', () => {
    expect(readIpv6Host('FC00:0:0:B::0100')).toBe('fc00:0:0:b::100');
    for (const text of ['', '::', '::1', 'ff02::1', 'fe80::1', '::ffff:10.0.0.1', 'fc00::1%eth0', 'x']) {
      expect(typeof readIpv6Host(text), text).toBe('object');
    }
  });
});
