/** Plans as a whole: the order of its items, and that a second `up` finds everything in its place. */
import { describe, expect, it } from 'vitest';
import { algorithmsDigest } from '../../src/tunnel/items/xfrm-state.js';
import type { Facts } from '../../src/tunnel/facts.js';
import { QUOTING } from '../../src/tunnel/items/xfrm-guard.js';
import { planText } from '../../src/tunnel/plan-text.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import type { CarrierSpec, Site } from '../../src/tunnel/site/site.js';
import { tablesOf } from '../helpers/nft-table.js';
import {
  address,
  CBC_KEYS,
  espCarrier,
  espInUdpCarrier,
  facts,
  GCM_KEYS,
  link,
  route,
  site,
  vtiCarrier,
  xfrmCarrier,
} from './tunnel-samples.js';

const INNER = { local: '10.255.0.1', remote: '10.255.0.2' };

const states = (plan: ReturnType<typeof planTunnel>, machine: Facts) =>
  plan.items.map((item) => `${item.key}: ${item.status(machine).state}`);

describe('br_netfilter', () => {
  const asked = site({ engine: 'nfqueue' });
  const calls = ['iptables', 'ip6tables', 'arptables'].map((tool) => `sysctl net/bridge/bridge-nf-call-${tool}`);

  it('quiets what loading it has turned on, also in an up that was cut short right after loading', () => {
    const before = facts();
    const on = new Map(calls.map((key) => [key.slice('sysctl '.length), '1']));
    const loaded = facts({ modules: new Set(['ip_gre', 'br_netfilter']), sysctls: on });
    const again = planTunnel(asked, before);
    for (const key of calls) {
      const item = again.items.find((one) => one.key === key)!;
      expect(item.status(loaded)).toMatchObject({ state: 'differs', observed: 'it is 1' });
      expect(item.undo(loaded)).toEqual([]);
    }
  });

  it('leaves the parameters alone where the module was loaded before', () => {
    const name = 'net/bridge/bridge-nf-call-iptables';
    const machine = facts({ modules: new Set(['br_netfilter']), sysctls: new Map([[name, '1']]) });
    const plan = planTunnel(asked, machine);
    for (const key of calls) expect(plan.items.map((item) => item.key)).not.toContain(key);
    expect(plan.notes.join('\n')).toContain('pass iptables already');
  });
});

/** What router A looks like after `up`: written by hand from the commands, not made by the planner. */
const GRETAP = { local: '192.168.200.1', remote: '172.16.0.1', ttl: 0, pmtudisc: false };

describe('a second up', () => {
  it('finds all of a plain tunnel with the queue in its place', () => {
    const asked = site({ engine: 'nfqueue' });
    const after = facts({
      links: [
        link('eth0', { master: 'br0' }),
        link('eth1', { addresses: [address('192.168.200.1/24')] }),
        link('br0', { kind: 'bridge', data: { nf_call_iptables: 1, stp_state: 0 } }),
        link('gretap1', { kind: 'gretap', master: 'br0', data: GRETAP }),
        link('gretap0', { kind: 'gretap', up: false, mtu: 1462, fallback: true }),
      ],
      modules: new Set(['ip_gre', 'br_netfilter']),
      sysctls: new Map([
        ['net/bridge/bridge-nf-call-iptables', '0'],
        ['net/bridge/bridge-nf-call-ip6tables', '0'],
        ['net/bridge/bridge-nf-call-arptables', '0'],
        ['net/bridge/bridge-nf-filter-vlan-tagged', '1'],
      ]),
    });
    const plan = planTunnel(asked, facts());
    expect(states(plan, facts()).filter((text) => text.endsWith('differs'))).not.toEqual([]);
    expect(states(plan, after).filter((text) => !text.endsWith(': in-sync'))).toEqual([]);
    const typed = planText(plan, after)
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(typed).toEqual(['clear-df tunnel up /etc/clear-df/site-a.yaml']);
  });

  it('finds all of an ESP tunnel with moved addresses in its place', () => {
    const carrier = espCarrier({ cipher: 'aes-cbc-128-sha256', mode: 'tunnel', reqid: 9 });
    const asked = site({ carrier, engine: 'tunnel-flag', bridge: { moveAddresses: true }, tunnel: { key: 7 } });
    const before = facts({
      links: [link('eth0', { addresses: [address('10.32.0.1/24')] }), link('eth1')],
      routes: [route('default', 'via 10.32.0.254 dev eth0 proto static')],
    });
    const digest = (way: 'in' | 'out') =>
      algorithmsDigest([
        { kind: 'auth-trunc', name: 'hmac(sha256)', key: CBC_KEYS[way].authentication!, icvBits: 128 },
        { kind: 'enc', name: 'cbc(aes)', key: CBC_KEYS[way].encryption },
      ]);
    const [here, there] = ['192.168.200.1', '172.16.0.1'];
    const state = { protocol: 'esp', mode: 'tunnel', reqid: 9 };
    const policy = { protocol: 'gre', mode: 'tunnel', reqid: 9, transform: 'esp' };
    const none = { mode: '', reqid: 0, transform: '' };
    const ends = { source: `${here}/32`, destination: `${there}/32` };
    const block = { ...none, ...ends, direction: 'out', blocks: true };
    const errors = QUOTING.map(({ type, code }) => ({ ...block, protocol: 'icmp', icmp: { type, code } }));
    const after = facts({
      links: [
        link('eth0', { master: 'br0' }),
        link('eth1'),
        link('br0', { kind: 'bridge', addresses: [address('10.32.0.1/24')] }),
        link('gretap1', {
          kind: 'gretap',
          master: 'br0',
          data: { ...GRETAP, ignore_df: true, ikey: '0.0.0.7', okey: '0.0.0.7' },
        }),
      ],
      routes: [route('default', 'via 10.32.0.254 dev br0 proto static')],
      modules: new Set(['ip_gre']),
      states: [
        { ...state, source: here, destination: there, spi: 0x1001, digest: digest('out') },
        { ...state, source: there, destination: here, spi: 0x1002, digest: digest('in') },
      ],
      policies: [
        { ...policy, direction: 'out', source: `${here}/32`, destination: `${there}/32` },
        { ...policy, direction: 'in', source: `${there}/32`, destination: `${here}/32` },
        ...errors,
        { ...block, protocol: 'gre', greKey: 7 },
      ],
    });
    const plan = planTunnel(asked, before, CBC_KEYS);
    expect(
      states(plan, { ...after, tables: tablesOf(plan.items, before) }).filter((text) => !text.endsWith(': in-sync')),
    ).toEqual([]);
    // Before, nothing but the port's MTU and state was in sync.
    expect(states(plan, before).filter((text) => text.endsWith(': in-sync'))).toEqual([
      'mtu eth0: in-sync',
      'up eth0: in-sync',
    ]);
    const keys = plan.items.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('order', () => {
  const keys = (asked: Site, machine = facts(), secret = GCM_KEYS) =>
    planTunnel(asked, machine, secret).items.map(({ key }) => key);
  const before = (list: string[], first: string, second: string) => {
    expect(list).toContain(first);
    expect(list).toContain(second);
    expect(list.indexOf(first)).toBeLessThan(list.indexOf(second));
  };

  it('has ESP in place before the tunnel can send', () => {
    const list = keys(site({ carrier: espCarrier() }));
    before(list, 'xfrm-state 192.168.200.1 172.16.0.1 0x00001001', 'xfrm-policy out 192.168.200.1 172.16.0.1');
    before(list, 'xfrm-policy out 192.168.200.1 172.16.0.1', 'gretap gretap1');
    before(list, 'xfrm-policy in 172.16.0.1 192.168.200.1', 'gretap gretap1');
    // And what must not leave is blocked before anything can arrive, until nothing can any more.
    const state = 'xfrm-state 172.16.0.1 192.168.200.1 0x00001002';
    for (const { type, code } of QUOTING)
      before(list, `xfrm-block 192.168.200.1 172.16.0.1 icmp ${type}/${code}`, state);
  });

  it.each<[string, CarrierSpec, string[]]>([
    ['esp', espCarrier(), ['xfrm-guard 192.168.200.1 to 172.16.0.1', 'nft-table inet clear_df_site-a']],
    ['esp, external', espCarrier({ keys: 'external' }), ['xfrm-guard 192.168.200.1 to 172.16.0.1']],
    ['esp-in-udp', espInUdpCarrier(), ['xfrm-guard 192.168.200.1 to 172.16.0.1', 'nft-table inet clear_df_site-a']],
    ['vti', vtiCarrier(), ['xfrm-guard 192.168.200.1 to 172.16.0.1', 'nft-table inet clear_df_site-a']],
    ['vti, inner', vtiCarrier({ inner: INNER }), ['xfrm-guard 10.255.0.1 to 10.255.0.2']],
    ['xfrm-interface', xfrmCarrier(), ['xfrm-guard 192.168.200.1 to 172.16.0.1', 'nft-table inet clear_df_site-a']],
    ['xfrm-interface, inner', xfrmCarrier({ inner: INNER }), ['xfrm-guard 10.255.0.1 to 10.255.0.2']],
    ['tun', { type: 'tun' }, ['gre-rule 192.168.200.1 172.16.0.1', 'nft-table inet clear_df_site-a']],
  ])('has both guards of %s there before all that encrypts and all that sends', (_name, carrier, guards) => {
    const machine = facts({ covering: { dev: 'eth1', table: 'main', length: 24 } });
    const list = keys(site({ carrier }), machine);
    const kinds = ['xfrm-state', 'xfrm-policy', 'vti', 'xfrm-device', 'policy-rule', 'bridge', 'gretap'];
    const others = list.filter((key) => kinds.includes(key.split(' ')[0] ?? ''));
    expect(others.length).toBeGreaterThanOrEqual(2);
    for (const guard of guards) for (const other of others) before(list, guard, other);
  });

  it('gives the tunnel its MTU before it is a port, so that the bridge never shrinks', () => {
    const list = keys(site());
    before(list, 'mtu gretap1', 'port gretap1');
    before(list, 'port eth0', 'mtu br0');
  });

  it('moves addresses with a short gap, and takes secondary ones away first', () => {
    const machine = facts({
      links: [link('eth0', { addresses: [address('10.32.0.1/24'), address('10.32.0.2/24')] }), link('eth1')],
      routes: [route('default', 'via 10.32.0.254 dev eth0 proto static')],
    });
    const list = keys(site({ bridge: { moveAddresses: true } }), machine);
    before(list, 'up br0', 'address 10.32.0.1/24 on br0');
    before(list, 'address 10.32.0.2/24 on br0', 'port eth0');
    before(list, 'port eth0', 'route default');
    before(list, 'route default', 'address 10.32.0.2/24 off eth0');
    before(list, 'address 10.32.0.2/24 off eth0', 'address 10.32.0.1/24 off eth0');
  });
});

describe('addresses of a port', () => {
  const leased = facts({
    links: [
      link('eth0', { addresses: [address('10.32.0.9/24', { dynamic: true }), address('10.32.0.1/24')] }),
      link('eth1'),
    ],
    routes: [
      route('default', 'via 10.32.0.254 dev eth0 proto dhcp', 'dhcp'),
      route('10.32.0.0/24', 'dev eth0 proto kernel scope link', 'kernel'),
    ],
  });

  it('stay without being asked, and the plan says what becomes unreachable', () => {
    const plan = planTunnel(site(), leased);
    expect(plan.items.filter(({ kind }) => kind.startsWith('address') || kind === 'route')).toEqual([]);
    expect(plan.cuts.join('\n')).toContain('10.32.0.1/24 on eth0 becomes unreachable');
  });

  it('note a link-local one as well, which never moves', () => {
    const linkLocal = { addresses: [address('169.254.7.1/16', { scope: 'link' })] };
    const machine = facts({ links: [link('eth0', linkLocal), link('eth1')] });
    const { cuts } = planTunnel(site({ bridge: { moveAddresses: true } }), machine);
    expect(cuts.join('\n')).toContain('169.254.7.1/16 on eth0 becomes unreachable');
  });

  it('move when asked, but not those of a lease', () => {
    const plan = planTunnel(site({ bridge: { moveAddresses: true } }), leased);
    const keys = plan.items.map(({ key }) => key).filter((key) => /^(address|route)/.test(key));
    expect(keys).toEqual(['address 10.32.0.1/24 on br0', 'address 10.32.0.1/24 off eth0']);
    expect(plan.cuts.join('\n')).toMatch(/10\.32\.0\.9\/24 on eth0 becomes unreachable: it is leased/);
    expect(plan.cuts.join('\n')).toMatch(/10\.32\.0\.1\/24 moves from eth0 to br0: connections/);
  });
});

describe('plan text', () => {
  it('names a conflict, and what to do about it', () => {
    const machine = facts({ links: [...facts().links, link('br0', { kind: 'dummy' })] });
    const text = planText(planTunnel(site(), machine), machine);
    expect(text).toContain('# CONFLICT with: there is a bridge br0\n#   br0 is a dummy device\n');
    expect(text).toContain('hint: choose another bridge.name');
    expect(text).not.toContain('ip link add name br0');
  });

  it('is a script: every line is a comment, a command, or input of one', () => {
    const text = planText(planTunnel(site({ carrier: espCarrier(), engine: 'bpf' }), facts(), GCM_KEYS), facts());
    let end: string | undefined;
    for (const line of text.split('\n')) {
      if (end !== undefined) {
        if (line === end) end = undefined;
        continue;
      }
      end = /<<'(EOF_*)'$/.exec(line)?.[1];
      expect(line).toMatch(/^(# |(modprobe|sysctl|ip|nft|clear-df) |$)/);
    }
    expect(end).toBeUndefined();
  });
});
