/** A site and a machine to plan for: router A of the article, with the host's side on eth0 and the WAN on eth1. */
import type { Address, Facts, Link, Route } from '../../src/tunnel/facts.js';
import type { Keys } from '../../src/tunnel/keys.js';
import type {
  EspCarrier,
  EspInUdpCarrier,
  GretapTunnel,
  L2tpTunnel,
  Site,
  VtiCarrier,
  VxlanTunnel,
  XfrmInterfaceCarrier,
} from '../../src/tunnel/site/site.js';

type Parts = Partial<Omit<Site, 'bridge' | 'tunnel'>> & {
  bridge?: Partial<Site['bridge']>;
  tunnel?: Partial<GretapTunnel> | L2tpTunnel | VxlanTunnel;
};

const GRETAP: GretapTunnel = {
  ...{ type: 'gretap', name: 'gretap1', key: undefined, pmtudisc: false, ttl: undefined, match: 'gre' },
};

/** eth0 -[br0]- gretap1 … 192.168.200.1 -(eth1)- 172.16.0.1 */
export function site({ bridge, tunnel, ...parts }: Parts = {}): Site {
  return {
    file: '/etc/clear-df/site-a.yaml',
    name: 'site-a',
    local: '192.168.200.1',
    remote: '172.16.0.1',
    underlay: 'eth1',
    mtu: 1500,
    bridge: { name: 'br0', ports: ['eth0'], moveAddresses: false, ...bridge },
    tunnel: tunnel?.type === 'l2tp' || tunnel?.type === 'vxlan' ? tunnel : { ...GRETAP, ...tunnel },
    carrier: { type: 'plain' },
    engine: 'auto',
    fragment: 'outer',
    hook: 'auto',
    queues: { first: 0, last: 0 },
    fanout: 'hash',
    identification: 'random',
    metrics: '127.0.0.1:9857',
    place: (path) => `/etc/clear-df/site-a.yaml (${path})`,
    ...parts,
  };
}

export function link(name: string, parts: Partial<Link> = {}): Link {
  return {
    name,
    mtu: 1500,
    up: true,
    master: undefined,
    kind: undefined,
    data: {},
    addresses: [],
    fallback: false,
    ...parts,
  };
}

export function address(prefix: string, parts: Partial<Address> = {}): Address {
  return { family: prefix.includes(':') ? 6 : 4, prefix, scope: 'global', dynamic: false, ...parts };
}

export function route(destination: string, words: string, protocol = 'static'): Route {
  const all = words.split(' ');
  const after = (word: string) => (all.includes(word) ? all[all.indexOf(word) + 1] : undefined);
  return { destination, via: after('via'), dev: after('dev') ?? '', protocol, words: all };
}

/** Everything works, nothing has been set up. */
export function facts(parts: Partial<Facts> = {}): Facts {
  return {
    kernel: '6.1.0-44-cloud-amd64',
    links: [link('eth0'), link('eth1', { addresses: [address('192.168.200.1/24')] })],
    routes: [route('default', 'via 192.168.200.254 dev eth1 proto static')],
    tableRoutes: [],
    rules: [],
    path: { dev: 'eth1', mtu: 1500, source: '192.168.200.1', via: '192.168.200.254' },
    modules: new Set(),
    sysctls: new Map(),
    states: [],
    policies: [],
    tables: [],
    can: { ignoreDf: 'yes', bridgeQueue: 'yes', nftBridgeQueue: 'yes', fastPath: 'yes' },
    ...parts,
  };
}

export function espCarrier(parts: Partial<EspCarrier> = {}): EspCarrier {
  return {
    type: 'esp',
    mode: 'transport',
    cipher: 'aes-gcm-128',
    keys: '/etc/clear-df/keys',
    reqid: 3295,
    ike: undefined,
    ...parts,
  };
}

export function espInUdpCarrier(parts: Partial<EspInUdpCarrier> = {}): EspInUdpCarrier {
  return { ...espCarrier(), type: 'esp-in-udp', port: 4500, remotePort: 4500, keepalive: 20, ...parts };
}

const ROUTE_BASED = {
  cipher: 'aes-gcm-128',
  keys: '/etc/clear-df/keys',
  reqid: 3295,
  ike: undefined,
  inner: undefined,
  mark: { value: 0xcdf, mask: 0xfff },
  table: 3295,
  priority: 3295,
} as const;

/** The routers' own addresses go by it. */
export function vtiCarrier(parts: Partial<VtiCarrier> = {}): VtiCarrier {
  return { ...ROUTE_BASED, type: 'vti', device: 'vti1', ...parts };
}

export function xfrmCarrier(parts: Partial<XfrmInterfaceCarrier> = {}): XfrmInterfaceCarrier {
  return { ...ROUTE_BASED, type: 'xfrm-interface', device: 'ipsec0', ifId: 0xcdf, ...parts };
}

/** 20 bytes for AES-GCM with 128 bits: told apart by their first bytes. */
export const GCM_KEYS: Keys = {
  out: { spi: 0x1001, encryption: `0x${'a1'.repeat(20)}` },
  in: { spi: 0x1002, encryption: `0x${'b2'.repeat(20)}` },
};

/** 16 bytes of AES, 32 of HMAC-SHA-256. */
export const CBC_KEYS: Keys = {
  out: { spi: 0x1001, encryption: `0x${'a1'.repeat(16)}`, authentication: `0x${'c3'.repeat(32)}` },
  in: { spi: 0x1002, encryption: `0x${'b2'.repeat(16)}`, authentication: `0x${'d4'.repeat(32)}` },
};
