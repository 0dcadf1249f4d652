/** The doctor's checks of what keeps a site's frames from leaving unencrypted. */
import { describe, expect, it } from 'vitest';
import { examine } from '../../src/doctor/examine.js';
import type { FindingState } from '../../src/doctor/finding.js';
import type { Seals } from '../../src/doctor/machine.js';
import { carrierOf } from '../../src/tunnel/carriers/table.js';
import type { XfrmPolicy } from '../../src/tunnel/facts.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { tablesOf } from '../helpers/nft-table.js';
import { machine, NOT_READ } from './doctor/machine.js';
import { facts } from './tunnel-samples.js';

const HEAD = 'name: site-a\nlocal: 192.0.2.1\nremote: 198.51.100.1\nunderlay: eth1\nbridge: { ports: [eth0] }\n';
const ESP = '{ type: esp, mode: transport, keys: /k }';
const EXTERNAL = '{ type: esp, mode: transport, keys: external }';
const XFRM = '{ type: xfrm-interface, keys: /k }';

const ends = { direction: 'out', source: '192.0.2.1/32', destination: '198.51.100.1/32' };
const none = { mode: '', reqid: 0, transform: '' };
const guard: XfrmPolicy = { ...ends, ...none, protocol: 'gre', greKey: 0, blocks: true };
const seal: XfrmPolicy = { ...ends, protocol: 'gre', mode: 'transport', reqid: 3295, transform: 'esp' };
const icmp = [
  [3, 3],
  [3, 2],
  [11, 1],
].map(([type = 0, code = 0]): XfrmPolicy => ({
  ...ends,
  ...none,
  protocol: 'icmp',
  icmp: { type, code },
  blocks: true,
}));
const TABLE = 'inet clear_df_site-a';
const flow = 'from 192.0.2.1 to 198.51.100.1 ipproto gre';
const rules = ['lookup main suppress_prefixlength 23', 'unreachable'].map((words, i) => {
  return { family: 4 as const, preference: 32 + i, words: `${flow} ${words}`.split(' ') };
});
const covering = { dev: 'eth1', table: 'main', length: 24 };
const all = [...icmp, guard, seal];

const right: Omit<Seals, 'tables'> = { policies: all, rules, covering };

const siteWith = (carrier: string) => parseSite(`${HEAD}carrier: ${carrier}\n`, '/etc/site-a.yaml');

function tablesWith(carrier: string): string[] {
  const before = facts({ covering, tables: [] });
  return tablesOf(carrierOf(siteWith(carrier)).guards(before), before);
}

function find(check: string, carrier: string, seals: Partial<Seals>): { what: string; state: FindingState }[] {
  const site = siteWith(carrier);
  return examine(machine({ seals: { known: { ...right, tables: tablesWith(carrier), ...seals } } }), site)
    .filter((finding) => finding.check === check)
    .map(({ what, state }) => ({ what, state }));
}
const wrong = (check: string, carrier: string, seals: Partial<Seals>) =>
  find(check, carrier, seals).flatMap(({ what, state }) => (state === 'wrong' ? [what] : []));

describe('guards', () => {
  it.each([ESP, EXTERNAL, XFRM, 'tun'])('are right with carrier %s when all are there', (carrier) => {
    expect(find('guards', carrier, {}).length).toBeGreaterThanOrEqual(2);
    expect(new Set(find('guards', carrier, {}).map(({ state }) => state))).toEqual(new Set(['ok']));
  });

  it.each([
    [ESP, { policies: [...icmp, seal] }, 'xfrm-guard 192.0.2.1 to 198.51.100.1'],
    [XFRM, { policies: icmp }, 'xfrm-guard 192.0.2.1 to 198.51.100.1'],
    [XFRM, { policies: [...icmp.slice(1), guard] }, 'xfrm-block 192.0.2.1 198.51.100.1 icmp 3/3'],
    [XFRM, { tables: [] }, `nft-table ${TABLE}`],
    ['tun', { tables: [] }, `nft-table ${TABLE}`],
    ['tun', { tables: tablesWith(XFRM) }, `nft-table ${TABLE}`],
    [XFRM, { tables: tablesWith(XFRM).map((line) => line.replace('output 2', 'output 0')) }, `nft-table ${TABLE}`],
    ['tun', { rules: rules.slice(1) }, 'gre-rule 192.0.2.1 198.51.100.1'],
  ] as const)('of carrier %s that are missing are named', (carrier, seals, key) => {
    expect(wrong('guards', carrier, seals as Partial<Seals>)).toEqual([key]);
  });

  it('of tun are judged while the device is away, too', () => {
    const away = { covering: { dev: 'eth0', table: 'main', length: 0 } };
    expect(wrong('guards', 'tun', away)).toEqual([]);
    expect(wrong('guards', 'tun', { ...away, rules: [], policies: [guard] })).toEqual([]);
    expect(wrong('guards', 'tun', { ...away, rules: [], policies: [] })).toEqual(['path to 198.51.100.1']);
    expect(wrong('guards', 'tun', { covering: undefined, rules: [], policies: [] })).toEqual(['path to 198.51.100.1']);
  });

  it('are not known where they cannot be read', () => {
    expect(find('guards', ESP, { tables: undefined })).toContainEqual({ what: 'guard in nft', state: 'unknown' });
    const site = parseSite(`${HEAD}carrier: ${ESP}\n`, '/etc/site-a.yaml');
    const unread = examine(machine({ seals: NOT_READ }), site).filter(({ check }) => check === 'guards');
    expect(unread.map(({ state }) => state)).toEqual(['unknown']);
  });

  it('are not asked for where nothing is promised', () => {
    expect(find('guards', 'plain', { policies: [], rules: [], tables: [] })).toEqual([]);
  });
});

describe('the policy that encrypts a VXLAN of three sites', () => {
  const text = `${HEAD.replace('remote: 198.51.100.1', 'remotes: [198.51.100.1, 198.51.100.2]')}tunnel: { type: vxlan }\n`;
  const site = parseSite(`${text}carrier: { type: esp, ike: { psk: /p } }\n`, '/etc/site-a.yaml');
  const ports = { source: 0, destination: 4789 };
  const near: XfrmPolicy = { ...seal, protocol: 'udp', ports };
  const found = (policies: XfrmPolicy[]) =>
    examine(machine({ seals: { known: { ...right, tables: [], policies } } }), site)
      .filter(({ check }) => check === 'sealing')
      .map(({ what, state }) => `${state}: ${what}`);

  it('is looked for by its ports, to each site', () => {
    const far = { ...near, destination: '198.51.100.2/32' };
    const [one, two] = ['198.51.100.1', '198.51.100.2'].map((to) => `policy that encrypts VXLAN to ${to}`);
    expect(found([near, far])).toEqual([`ok: ${one}`, `ok: ${two}`]);
    expect(found([near, seal])).toEqual([`ok: ${one}`, `wrong: ${two}`]);
    // Wider ones take it as well; those of some ports, or of half of the marks, do not.
    expect(found([{ ...near, ports: { source: 0, destination: 0 } }])[0]).toBe(`ok: ${one}`);
    for (const some of [
      { source: 4789, destination: 4789 },
      { source: 0, destination: 4790 },
    ]) {
      expect(found([{ ...near, ports: some }])[0]).toBe(`wrong: ${one}`);
    }
    const half = { value: 0x8000_0000, mask: 0x8000_0000 };
    expect(found([{ ...near, mark: half }])[0]).toBe(`wrong: ${one}`);
  });
});

describe('the policy that encrypts', () => {
  it.each([
    [ESP, seal],
    [EXTERNAL, { ...seal, source: '192.0.2.0/24', destination: '0.0.0.0/0', protocol: undefined }],
  ] as const)('is found with carrier %s', (carrier, policy) => {
    expect(find('sealing', carrier, { policies: [...icmp, guard, policy] })).toMatchObject([{ state: 'ok' }]);
  });

  it.each([
    [],
    [{ ...seal, direction: 'in' }],
    [{ ...seal, destination: '198.51.100.2/32' }],
    [{ ...seal, ifId: 7 }],
    [{ ...seal, protocol: 'udp' }],
  ])('is missed', (...policies: XfrmPolicy[]) => {
    expect(wrong('sealing', ESP, { policies: [...icmp, guard, ...policies] })).toHaveLength(1);
  });
});
