/** A machine on which nothing is wrong, and the small changes that make something wrong: for the doctor's tests. */
import type { Device, Machine } from '../../../src/doctor/machine.js';

export type Change = Partial<Machine>;

export const NOT_READ = { unknown: 'it could not be read', fix: 'sudo clear-df doctor' };
const NO_RULES = '{"nftables": []}';

/** A router without bridge and tunnel; kernel 6.12, root. */
export function machine(change: Change = {}): Machine {
  return {
    kernel: '6.12.107+deb13-cloud-amd64',
    netAdmin: 'yes',
    initialUsers: 'yes',
    tools: new Map(
      ['ip', 'iptables', 'nft'].map((name) => [name, { state: 'present' as const, version: `${name} 1` }]),
    ),
    modules: new Map(
      [
        'nfnetlink_queue',
        'xt_NFQUEUE',
        'nft_queue',
        'br_netfilter',
        'xt_physdev',
        'xt_u32',
        'ip_gre',
        'esp4',
        'ip_vti',
        'xfrm_interface',
      ].map((name) => [name, 'loaded' as const]),
    ),
    queues: { known: [] },
    saves: new Map([
      ['iptables-legacy', { known: '' }],
      ['iptables-nft', { known: '' }],
    ]),
    nftJson: { known: NO_RULES },
    nftText: { known: '' },
    devices: { known: [] },
    learnt: { known: [] },
    paths: new Map(),
    transforms: { known: [] },
    rules: { known: [] },
    sysctls: new Map([
      ['net/ipv4/ipfrag_high_thresh', '4194304'],
      ['net/ipv4/ipfrag_time', '30'],
      ['net/ipv4/ipfrag_max_dist', '64'],
      ['net/ipv4/conf/all/rp_filter', '0'],
      ['net/core/rmem_max', '212992'],
      ['net/netfilter/nf_conntrack_count', '0'],
      ['net/netfilter/nf_conntrack_max', '262144'],
    ]),
    counters: {
      known: new Map([
        ['IpReasmFails', 0],
        ['IpReasmOKs', 1000],
        ['IpReasmTimeout', 0],
        ['IpFragFails', 0],
        ['IpFragCreates', 0],
      ]),
    },
    fragmentMemory: { known: 0 },
    can: {
      nftClearsDf: { answer: 'yes', evidence: 'a packet came through' },
      nftBridgeQueue: { answer: 'yes', evidence: 'measured on 6.12' },
    },
    daemon: undefined,
    ...change,
  };
}

export function device(name: string, parts: Partial<Device> = {}): Device {
  const fixed = { mtu: 1500, up: true, master: undefined, kind: 'veth', data: {}, txErrors: 0, gsoIpv4MaxSize: 65_536 };
  return { ...fixed, name, ...parts };
}

/** br0 with a host's port and a gretap that carries full-size frames by `ignore-df`. */
export function bridged(gretap: Record<string, unknown> = {}, parts: Partial<Device> = {}): Change {
  const data = { local: '192.0.2.1', remote: '198.51.100.1', ttl: 0, pmtudisc: false, ...gretap };
  return {
    devices: {
      known: [
        device('eth1'),
        device('br0', { kind: 'bridge', data: { vlan_filtering: 0, nf_call_iptables: 0 } }),
        device('eth0', { master: 'br0' }),
        device('gretap1', { kind: 'gretap', master: 'br0', data, ...parts }),
      ],
    },
    paths: new Map([['198.51.100.1', { known: { dev: 'eth1', mtu: 1500 } }]]),
  };
}

/** The parameters of {@link machine} with others. */
export function sysctls(values: Record<string, string>): Change {
  return { sysctls: new Map([...machine().sysctls, ...Object.entries(values)]) };
}

/** `iptables-save` of the given lines. */
export function saved(...lines: string[]): Change {
  const table = (name: string) =>
    lines.filter((line) => line.startsWith(`${name} `)).map((l) => l.slice(name.length + 1));
  const text = ['mangle', 'filter'].map((name) => [`*${name}`, ...table(name), 'COMMIT', ''].join('\n')).join('');
  return {
    saves: new Map([
      ['iptables-legacy', { known: '' }],
      ['iptables-nft', { known: text }],
    ]),
  };
}

interface NftParts {
  family?: string;
  table?: string;
  hook?: string;
  policy?: string;
  expr?: unknown[];
  /** As `nft -a` prints the rule. */
  text?: string;
}

/** A ruleset of one table `t` with one chain `c` with one rule, handle 4. */
export function nft(
  { family = 'ip', table = 't', hook = 'output', policy = 'accept', expr, text = '' }: NftParts,
  more: unknown[] = [],
): Change {
  const place = { family, table };
  const rule = expr === undefined ? [] : [{ rule: { ...place, chain: 'c', handle: 4, expr } }];
  const chain = { ...place, name: 'c', handle: 1, type: 'filter', hook, prio: 0, policy };
  return {
    nftJson: { known: JSON.stringify({ nftables: [{ chain }, ...rule, ...more] }) },
    nftText: {
      known: `table ${family} ${table} { # handle 1\n\tchain c { # handle 1\n\t\t${text} # handle 4\n\t}\n}\n`,
    },
  };
}

/** A held queue. */
export function held(queue: number, name: string | undefined): Change {
  const process = name === undefined ? undefined : { pid: 77, name };
  return { queues: { known: [{ queue, portId: 77, process, queueDropped: 0, userDropped: 0 }] } };
}

/** Queues that a clear-df holds. */
export function heldAll(...queues: number[]): Change {
  const process = { pid: 77, name: 'clear-df' };
  const known = queues.map((queue) => ({ queue, portId: 77, process, queueDropped: 0, userDropped: 0 }));
  return { queues: { known } };
}
