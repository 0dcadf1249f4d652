/** The doctor's checks of a site with carrier srv6. */
import { describe, expect, it } from 'vitest';
import { examine } from '../../src/doctor/examine.js';
import type { FindingState } from '../../src/doctor/finding.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { type Change, bridged, device, machine, NOT_READ, sysctls } from './doctor/machine.js';

const FILE = `
local: 192.0.2.1
remote: 198.51.100.1
underlay: eth1
bridge: { name: br0, ports: [eth0] }
engine: tunnel-flag
carrier:
  type: srv6
  vrf: vrf100
  table: 100
  sid: fc00:a::100
  segments: [fc00:b::100]
  source: 2001:db8:a::1
`;

const vrf = (name: string, table: number, up = true) => device(name, { kind: 'vrf', data: { table }, up });
const HOP = vrf('hop-100', 1_000_100);
const devices = (...vrfs: ReturnType<typeof device>[]): Change => {
  const there = bridged({ link: 'vrf100' }).devices as { known: ReturnType<typeof device>[] };
  return { devices: { known: [...there.known, ...vrfs] } };
};
const way = (mtu: number, dev = 'eth1'): Change => ({ paths: new Map([['fc00:b::100', { known: { dev, mtu } }]]) });
const strict = (value: string) => sysctls({ 'net/vrf/strict_mode': value });
const filtered = (value: string) => sysctls({ 'net/vrf/strict_mode': '1', 'net/ipv4/conf/vrf100/rp_filter': value });

const CASES: [check: string, what: RegExp, change: Change, state: FindingState, more?: string][] = [
  ['strict-mode', /strict/, {}, 'ok'],
  ['strict-mode', /strict/, strict('0'), 'wrong'],
  ['strict-mode', /strict/, { sysctls: machine().sysctls }, 'wrong'],
  ['vrf', /vrf100/, {}, 'ok'],
  ['vrf', /vrf100/, devices(HOP), 'wrong'],
  ['vrf', /vrf100/, devices(vrf('vrf100', 7), HOP), 'wrong'],
  ['vrf', /vrf100/, devices(vrf('vrf100', 100, false), HOP), 'wrong'],
  ['vrf', /vrf100/, devices(device('vrf100'), HOP), 'wrong'],
  ['vrf', /vrf100/, { devices: NOT_READ }, 'unknown'],
  ['vrf', /hop-100/, {}, 'ok'],
  ['vrf', /hop-100/, devices(vrf('vrf100', 100)), 'wrong'],
  ['core-mtu', /eth1/, {}, 'ok'],
  ['core-mtu', /eth1/, way(1602), 'ok', '  cut: whole'],
  ['core-mtu', /eth1/, way(1601), 'wrong', '  cut: whole'],
  ['core-mtu', /eth1/, { paths: new Map() }, 'unknown'],
  ['rp-filter', /vrf100/, filtered('2'), 'ok'],
  ['rp-filter', /vrf100/, filtered('1'), 'wrong'],
  ['rp-filter', /vrf100/, { sysctls: new Map() }, 'unknown'],
  ['path', /fc00:b::100/, {}, 'ok'],
  ['path', /fc00:b::100/, way(1500, 'eth0'), 'wrong'],
];

describe('a site with carrier srv6', () => {
  it.each(CASES.map((each, i) => ({ name: `${each[0]} ${each[1].source}: ${each[3]} (${i})`, each })))(
    '$name',
    ({ each: [check, what, change, state, more = ''] }) => {
      const ready = { ...devices(vrf('vrf100', 100), HOP), ...way(1500), ...strict('1') };
      const site = parseSite(`${FILE}${more}\n`, 'a.yaml');
      const lines = examine(machine({ ...ready, ...change }), site).filter((one) => one.group === 'site');
      const found = lines.filter((one) => one.check === check && what.test(one.what));
      expect(found.map((one) => one.state)).toEqual([state]);
      if (state === 'wrong') expect(found[0]?.fix ?? found[0]?.hint).toBeDefined();
    },
  );

  it('needs no second hop where the core takes all', () => {
    const roomy = { ...devices(vrf('vrf100', 100)), ...way(1602), ...strict('1') };
    const found = examine(machine(roomy), parseSite(FILE, 'a.yaml'));
    expect(found.filter(({ check, state }) => check === 'vrf' && state !== 'ok')).toEqual([]);
    expect(found.some(({ what }) => what.includes('hop-100'))).toBe(false);
  });
});
