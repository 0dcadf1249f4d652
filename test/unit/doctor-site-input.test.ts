/** Whether firewalls let the other end in: as ufw and firewalld write their rules, in iptables and in nft. */
import { describe, expect, it } from 'vitest';
import type { Arrival } from '../../src/doctor/input-nft.js';
import { judgeInput } from '../../src/doctor/input.js';
import type { Machine } from '../../src/doctor/machine.js';
import { examinePort } from '../../src/doctor/site-port.js';
import { inputNotes } from '../../src/doctor/site-input.js';
import { parseVlans } from '../../src/host/read/vlans.js';
import { notesOf } from '../../src/tunnel/notes.js';
import { tunnelSizes } from '../../src/tunnel/tunnel-sizes.js';
import { link, withLinks } from './tunnel-machine.js';
import { site } from './tunnel-samples.js';

type Rulesets = Pick<Machine, 'saves' | 'nftJson' | 'nftText'>;

const NOTHING = { known: JSON.stringify({ nftables: [] }) };
const saved = (...rules: string[]): Rulesets => ({
  saves: new Map([['iptables-nft', { known: ['*filter', ...rules, 'COMMIT', ''].join('\n') }]]),
  nftJson: NOTHING,
  nftText: { known: '' },
});

/** The part of ufw that a new packet meets. */
const UFW = [
  ...[':INPUT DROP [0:0]', ':ufw-before-input - [0:0]', ':ufw-user-input - [0:0]', ':ufw-not-local - [0:0]'],
  ...['-A INPUT -j ufw-before-input', '-A INPUT -j ufw-user-input'],
  '-A ufw-before-input -i lo -j ACCEPT',
  '-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT',
  '-A ufw-before-input -j ufw-not-local',
  '-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN',
  '-A ufw-not-local -m limit --limit 3/min -j LOG',
];
const GRE: Arrival = { protocol: 'gre', source: '172.16.0.1', destination: '192.168.200.1', device: 'eth1' };
const UDP: Arrival = { ...GRE, protocol: 'udp', port: 4500 };
const ends = (rulesets: Rulesets, arrival: Arrival) => judgeInput(rulesets, arrival).map(({ end }) => end);

describe('INPUT of iptables', () => {
  it('drops what ufw has no rule for, and lets in what it has one for', () => {
    expect(judgeInput(saved(...UFW), GRE)).toEqual([
      { where: 'INPUT of iptables-nft', end: 'drop', by: 'the policy is DROP' },
    ]);
    expect(ends(saved(...UFW, '-A ufw-user-input -p gre -s 172.16.0.0/24 -j ACCEPT'), GRE)).toEqual(['accept']);
    expect(ends(saved(...UFW, '-A ufw-user-input -p gre -s 10.0.0.0/8 -j ACCEPT'), GRE)).toEqual(['drop']);
    expect(ends(saved(...UFW, '-A ufw-user-input -p udp -m udp --dport 4500 -j ACCEPT'), UDP)).toEqual(['accept']);
    expect(ends(saved(...UFW, '-A ufw-user-input -p udp -m multiport --dports 500,4500 -j ACCEPT'), UDP)).toEqual([
      'accept',
    ]);
    expect(ends(saved(...UFW, '-A ufw-user-input -p udp -m udp --dport 1:499 -j ACCEPT'), UDP)).toEqual(['drop']);
  });

  it('says that it depends where a match is not known that decides, and only there', () => {
    expect(ends(saved(...UFW, '-A ufw-user-input -m set --match-set peers src -j ACCEPT'), GRE)).toEqual(['depends']);
    expect(ends(saved(':INPUT ACCEPT [0:0]', '-A INPUT -m recent --rcheck -j ACCEPT'), GRE)).toEqual(['accept']);
    expect(
      ends(saved(':INPUT ACCEPT [0:0]', '-A INPUT ! -i lo -j REJECT --reject-with icmp-port-unreachable'), GRE),
    ).toEqual(['drop']);
  });
});

describe('input of nft by whether a packet was ESP', () => {
  it.each([
    [false, true, 'accept'],
    [false, false, 'drop'],
    [true, true, 'drop'],
  ] as const)('dropped when that is %s, of one where it is %s: %s', (dropped, sealed, end) => {
    const place = { family: 'inet', table: 'clear_df_site-a' };
    const expr = [{ match: { op: '==', left: { meta: { key: 'ipsec' } }, right: dropped } }, { drop: null }];
    const base = { type: 'filter', hook: 'input', prio: 0, policy: 'accept' };
    const chain = { ...place, name: 'input', ...base };
    const nftJson = {
      known: JSON.stringify({ nftables: [{ chain }, { rule: { ...place, chain: 'input', handle: 2, expr } }] }),
    };
    const rulesets: Rulesets = { saves: new Map(), nftText: { known: '' }, nftJson };
    const arrival: Arrival = { ...UDP, port: 4789, sealed };
    expect(judgeInput(rulesets, arrival).map((one) => one.end)).toEqual([end]);
  });
});

describe('input of nft', () => {
  const chain = {
    family: 'inet',
    table: 'firewalld',
    name: 'filter_INPUT',
    type: 'filter',
    hook: 'input',
    policy: 'accept',
  };
  const own = (name: string) => ({ chain: { family: 'inet', table: 'firewalld', name } });
  let handle = 1;
  const rule = (name: string, ...expr: object[]) => ({
    rule: { family: 'inet', table: 'firewalld', chain: name, handle: handle++, expr },
  });
  const is = (left: object, right: unknown, op = '==') => ({ match: { op, left, right } });
  /** As firewalld has it: known connections, the zone's chain, and all else rejected. */
  const firewalld = (...zone: object[]): Rulesets => ({
    saves: new Map(),
    nftText: { known: '' },
    nftJson: {
      known: JSON.stringify({
        nftables: [
          ...[{ chain }, own('filter_IN_public')],
          rule('filter_INPUT', is({ ct: { key: 'state' } }, { set: ['established', 'related'] }, 'in'), {
            accept: null,
          }),
          rule('filter_INPUT', is({ meta: { key: 'iifname' } }, 'lo'), { accept: null }),
          rule('filter_INPUT', is({ meta: { key: 'iifname' } }, 'eth1'), { goto: { target: 'filter_IN_public' } }),
          rule('filter_INPUT', { reject: { type: 'icmpx', expr: 'admin-prohibited' } }),
          ...zone.map((part) => rule('filter_IN_public', part, { accept: null })),
          rule('filter_IN_public', is({ meta: { key: 'l4proto' } }, { set: ['icmp', 'ipv6-icmp'] }), { accept: null }),
          rule('filter_IN_public', { reject: { type: 'icmpx', expr: 'admin-prohibited' } }),
        ],
      }),
    },
  });

  it('rejects what firewalld has no rule for in the zone of the device', () => {
    expect(ends(firewalld(), GRE)).toEqual(['drop']);
    expect(ends(firewalld(is({ payload: { protocol: 'ip', field: 'protocol' } }, 'gre')), GRE)).toEqual(['accept']);
    expect(ends(firewalld(is({ meta: { key: 'l4proto' } }, 'esp')), GRE)).toEqual(['drop']);
    expect(ends(firewalld(is({ payload: { protocol: 'udp', field: 'dport' } }, 4500)), UDP)).toEqual(['accept']);
    expect(ends(firewalld(is({ payload: { protocol: 'ip', field: 'saddr' } }, '@peers')), GRE)).toEqual(['depends']);
    const net = { prefix: { addr: '172.16.0.0', len: 24 } };
    expect(ends(firewalld(is({ payload: { protocol: 'ip', field: 'saddr' } }, net)), GRE)).toEqual(['accept']);
  });
});

describe('input of both', () => {
  it('is judged by nft where iptables-nft does not show the table', () => {
    const input = { family: 'ip', table: 'filter', name: 'INPUT', type: 'filter', hook: 'input', policy: 'drop' };
    const hidden = "*mangle\n:INPUT ACCEPT [0:0]\nCOMMIT\n# Table `filter' is incompatible, use 'nft' tool.\n";
    const rulesets: Rulesets = {
      saves: new Map([['iptables-nft' as const, { known: hidden }]]),
      nftText: { known: '' },
      nftJson: { known: JSON.stringify({ nftables: [{ chain: input }] }) },
    };
    expect(ends(rulesets, GRE)).toEqual(['drop']);
  });
});

describe('a plan', () => {
  it('notes what INPUT drops, with the rule that lets it in', () => {
    expect(inputNotes(saved(...UFW), site())).toEqual([
      expect.stringContaining('iptables-nft -I INPUT -i eth1 -s 172.16.0.1 -p gre -j ACCEPT') as string,
    ]);
    expect(inputNotes(saved(':INPUT ACCEPT [0:0]'), site())).toEqual([]);
  });

  it('notes the spanning tree and the VLAN filter of a bridge that is there', () => {
    const notes = (data: object) => {
      const facts = withLinks(link('br0', [], { kind: 'bridge', data: { ...data } }));
      return notesOf(site(), facts, tunnelSizes(site(), facts)).join('\n');
    };
    expect(notes({ stp_state: 1, forward_delay: 1500 })).toContain('passes nothing for 30 s');
    expect(notes({ vlan_filtering: 1, vlan_default_pvid: 7 })).toContain('gretap1 will carry VLAN 7 alone, untagged');
    expect(notes({ vlan_filtering: 1, vlan_default_pvid: 0 })).toContain('gretap1 will carry none');
    expect(notes({ stp_state: 0, vlan_filtering: 0 })).not.toMatch(/spanning tree: |filters/);
  });
});

describe('the port of a tunnel', () => {
  const device = {
    mtu: 1500,
    up: true,
    master: undefined,
    kind: undefined,
    data: {},
    txErrors: 0,
    gsoIpv4MaxSize: undefined,
  };
  const examined = (data: object, portState: string, vlans = '[]') => {
    const devices = [
      { ...device, name: 'br0', kind: 'bridge', data: { ...data } },
      { ...device, name: 'gretap1', kind: 'gretap', master: 'br0', portState },
    ];
    const machine = { devices: { known: devices }, vlans: { known: parseVlans(vlans) } } as unknown as Machine;
    return examinePort(machine, site()).map(({ check, state }) => `${check} ${state}`);
  };

  it('is judged by its state where the bridge runs a spanning tree', () => {
    expect(examined({ stp_state: 0 }, 'disabled')).toContain('stp ok');
    expect(examined({ stp_state: 1 }, 'forwarding')).toContain('stp ok');
    expect(examined({ stp_state: 1, forward_delay: 1500 }, 'learning')).toContain('stp unknown');
    expect(examined({ stp_state: 1 }, 'blocking')).toContain('stp wrong');
  });

  it("has to carry the VLANs of the hosts' ports where the bridge filters them", () => {
    const vlans = (own: object[]) =>
      JSON.stringify([
        {
          ifname: 'eth0',
          vlans: [
            { vlan: 1, flags: ['PVID', 'Egress Untagged'] },
            { vlan: 10, vlanEnd: 11 },
          ],
        },
        { ifname: 'gretap1', vlans: own },
      ]);
    expect(examined({ vlan_filtering: 0 }, 'forwarding')).toContain('vlans ok');
    expect(examined({ vlan_filtering: 1 }, 'forwarding', vlans([{ vlan: 1 }]))).toContain('vlans wrong');
    expect(examined({ vlan_filtering: 1 }, 'forwarding', vlans([{ vlan: 1 }, { vlan: 10 }, { vlan: 11 }]))).toContain(
      'vlans ok',
    );
    expect(parseVlans('').size).toBe(0);
    // Another program's port hides no other; one of ours is unknown.
    const odd = (ifname: string) =>
      JSON.stringify([{ ifname, vlans: 'all' }, ...(JSON.parse(vlans([{ vlan: 1 }])) as object[])]);
    expect(examined({ vlan_filtering: 1 }, 'forwarding', odd('veth7'))).toContain('vlans wrong');
    const own = JSON.stringify([{ ifname: 'gretap1', vlans: 'all' }]);
    expect(examined({ vlan_filtering: 1 }, 'forwarding', own)).toContain('vlans unknown');
  });
});
