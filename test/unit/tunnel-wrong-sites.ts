/**
 * Site files that are wrong, each in one way, with what must be said of it: `up` refuses them before it changes anything.
 * Unit tests judge them against {@link ROUTER}, a lab story against a real machine that `commands` have prepared.
 */
import { type Facts } from '../../src/tunnel/facts.js';
import { link, ROUTER, withLinks } from './tunnel-machine.js';
import { UNFIT_POLICIES, WRONG_TUNNELS } from './tunnel-wrong-types.js';

export interface WrongSite {
  title: string;
  /** The site file. */
  text: string;
  /** Line of the file that must be named. */
  line: number;
  /** The key behind the place, or none. */
  key: string;
  /** Parts of the message, in this order. */
  words: readonly string[];
  /** Exit code. */
  code: 'USAGE' | 'ENVIRONMENT' | 'CONFLICT';
  /** The machine, where it is not {@link ROUTER}. */
  facts?: Facts;
  /** What makes a real machine of that kind out of the router: argument lists. */
  commands?: readonly (readonly string[])[];
  /** A key file beside the site file. */
  keyFile?: { name: string; text: string; mode: number };
}

/** Lines 1 to 4 of every file that is about something else; line 5 follows. */
export const HEAD = 'local: 192.168.200.1\nremote: 172.16.0.1\nunderlay: eth1\nbridge: { ports: [eth0] }\n';

const ends = (local: string, remote: string) =>
  `local: ${local}\nremote: ${remote}\nunderlay: eth1\nbridge: { ports: [eth0] }\n`;
const ports = (...names: string[]) =>
  `local: 192.168.200.1\nremote: 172.16.0.1\nunderlay: eth1\nbridge:\n  ports:\n${names.map((name) => `    - ${name}\n`).join('')}`;

const TEXTS: WrongSite[] = [
  {
    title: 'both ends have the same address',
    text: ends('192.168.200.1', '192.168.200.1'),
    ...{ line: 2, key: 'remote', code: 'USAGE', words: ['192.168.200.1', 'local address as well', 'two ends'] },
  },
  {
    title: 'an end is IPv6',
    text: ends('192.168.200.1', '2001:db8::1'),
    ...{ line: 2, key: 'remote', code: 'USAGE', words: ["'2001:db8::1'", 'IPv6 has no DF bit'] },
  },
  {
    title: 'an end is a multicast group',
    text: ends('192.168.200.1', '239.1.2.3'),
    ...{ line: 2, key: 'remote', code: 'USAGE', words: ["'239.1.2.3'", 'multicast'] },
  },
  {
    title: 'a key is misspelt',
    text: HEAD.replace('remote', 'remotte'),
    ...{ line: 2, key: '', code: 'USAGE', words: ["unknown key 'remotte'", 'expected one of'] },
  },
  {
    title: 'a key is missing',
    text: HEAD.replace('underlay: eth1\n', ''),
    ...{ line: 1, key: 'underlay', code: 'USAGE', words: ['missing', 'expected a device name'] },
  },
  {
    title: 'the MTU is too small for hosts',
    text: `${HEAD}mtu: 500\n`,
    ...{ line: 5, key: 'mtu', code: 'USAGE', words: ["'500'", '576', 'RFC 1122'] },
  },
  {
    // 65535 - 20 (IPv4) - 4 (GRE) - 14 (Ethernet) = 65497: the kernel takes it for a gretap device, and 65498 not.
    title: 'the MTU leaves no room for the outer header',
    text: `${HEAD}mtu: 65498\n`,
    ...{ line: 5, key: 'mtu', code: 'USAGE', words: ['65498', '65536 bytes', '65535'] },
  },
  {
    title: 'the carrier is unknown',
    text: `${HEAD}carrier: ip-in-ip\n`,
    ...{ line: 5, key: 'carrier', code: 'USAGE', words: ["'ip-in-ip'", 'plain or esp'] },
  },
  {
    title: 'the carrier is AH',
    text: `${HEAD}carrier: { type: ah }\n`,
    ...{ line: 5, key: 'carrier.type', code: 'USAGE', words: ["'ah'", 'authenticates', 'identification', 'RFC 4302'] },
  },
  {
    title: 'keys stand in the site file',
    text: `${HEAD}carrier: { type: esp, keys: 0x00112233445566778899aabbccddeeff }\n`,
    ...{ line: 5, key: 'carrier.keys', code: 'USAGE', words: ['not repeated', 'file of their own'] },
  },
  {
    title: 'the underlay is a port',
    text: ports('eth0', 'eth1'),
    ...{ line: 7, key: 'bridge.ports.1', code: 'USAGE', words: ['eth1', 'underlay already', ':3'] },
  },
  {
    title: 'a port is named twice',
    text: ports('eth0', 'eth0'),
    ...{ line: 7, key: 'bridge.ports.1', code: 'USAGE', words: ['eth0', 'twice', ':6'] },
  },
  {
    title: 'a name is no device name',
    text: ports('ethernet-towards-hosts'),
    ...{ line: 6, key: 'bridge.ports.0', code: 'USAGE', words: ["'ethernet-towards-hosts'", 'at most 15'] },
  },
  {
    title: 'pmtudisc and the tunnel flag',
    text: `${HEAD}engine: tunnel-flag\ntunnel: { pmtudisc: true }\n`,
    ...{ line: 6, key: 'tunnel.pmtudisc', code: 'USAGE', words: ['ignore-df', ':5', 'EINVAL'] },
  },
  {
    title: 'ESP is matched where there is none',
    text: `${HEAD}tunnel:\n  match: esp\n`,
    ...{ line: 6, key: 'tunnel.match', code: 'USAGE', words: ['no ESP to match', 'plain'] },
  },
  {
    title: 'a way over several queues, and one queue',
    text: `${HEAD}queue: 3\nfanout: cpu\n`,
    ...{ line: 6, key: 'fanout', code: 'USAGE', words: ['several queues', 'only queue 3'] },
  },
  {
    title: 'a way over several queues, and an engine without any',
    text: `${HEAD}engine: tunnel-flag\nqueue: 0:3\nfanout: cpu\n`,
    ...{ line: 7, key: 'fanout', code: 'USAGE', words: ['spreads frames', 'engine tunnel-flag', ':5'] },
  },
  {
    title: 'a hook without a queue',
    text: `${HEAD}engine: bpf\nhook: br-netfilter\n`,
    ...{ line: 6, key: 'hook', code: 'USAGE', words: ['br-netfilter', 'engine bpf', ':5'] },
  },
  {
    title: 'an engine that was withdrawn',
    text: `${HEAD}engine: nft\n`,
    ...{ line: 5, key: 'engine', code: 'USAGE', words: ["'nft'", 'was withdrawn', 'write engine: bpf'] },
  },
  {
    title: 'the range of queues is backwards',
    text: `${HEAD}queue: 3:0\n`,
    ...{ line: 5, key: 'queue', code: 'USAGE', words: ["'3:0'", 'N or N:M'] },
  },
  {
    title: 'a key is given twice',
    text: `${HEAD}mtu: 1500\nmtu: 1400\n`,
    ...{ line: 6, key: '', code: 'USAGE', words: ['given twice'] },
  },
];

const MACHINES: WrongSite[] = [
  {
    title: 'a port is not there',
    text: ports('eth9'),
    ...{ line: 6, key: 'bridge.ports.0', code: 'ENVIRONMENT', words: ['no device eth9', 'eth0, eth1, eth2'] },
  },
  {
    title: 'the underlay is not there',
    text: HEAD.replace('eth1', 'wan0'),
    ...{ line: 3, key: 'underlay', code: 'ENVIRONMENT', words: ['no device wan0'] },
  },
  {
    title: 'a port carries the default route, whether addresses may move or not',
    text: HEAD.replace('[eth0]', '[eth2], move-addresses: true'),
    ...{ line: 4, key: 'bridge.ports.0', code: 'CONFLICT', words: ['eth2 carries the default route', 'cut off'] },
  },
  {
    title: 'a port carries one of the nexthops of the default route',
    text: HEAD,
    facts: {
      ...ROUTER,
      routes: [
        {
          ...{ destination: 'default', via: '203.0.113.1', dev: 'eth2', protocol: 'static' },
          words: 'nexthop via 203.0.113.1 dev eth2 weight 1 nexthop via 10.32.0.254 dev eth0 weight 1'.split(' '),
        },
      ],
    },
    commands: [
      'ip address add 10.32.0.1/16 dev eth0'.split(' '),
      [
        ...'ip route replace default nexthop via 203.0.113.1 dev eth2'.split(' '),
        ...'nexthop via 10.32.0.254 dev eth0'.split(' '),
      ],
    ],
    ...{ line: 4, key: 'bridge.ports.0', code: 'CONFLICT', words: ['eth0 carries the default route'] },
  },
  {
    title: 'a port has an address that nobody may move',
    text: HEAD,
    facts: withLinks(link('eth0', ['10.32.0.1/16'])),
    commands: [['ip', 'address', 'add', '10.32.0.1/16', 'dev', 'eth0']],
    ...{ line: 4, key: 'bridge.ports.0', code: 'CONFLICT', words: ['eth0 has 10.32.0.1/16'] },
  },
  {
    title: 'a port belongs to another bridge',
    text: HEAD,
    facts: withLinks(link('eth0', [], { master: 'br7' }), link('br7', [], { kind: 'bridge' })),
    commands: [
      ['ip', 'link', 'add', 'name', 'br7', 'type', 'bridge'],
      ['ip', 'link', 'set', 'dev', 'eth0', 'master', 'br7'],
    ],
    ...{ line: 4, key: 'bridge.ports.0', code: 'CONFLICT', words: ['eth0 belongs to br7'] },
  },
  {
    title: 'the remote address lies in the bridged network',
    text: `local: 192.168.200.1\nremote: 10.32.0.9\nunderlay: eth1\nbridge:\n  ports: [eth0]\n  move-addresses: true\n`,
    facts: withLinks(link('eth0', ['10.32.0.1/16'])),
    commands: [['ip', 'address', 'add', '10.32.0.1/16', 'dev', 'eth0']],
    ...{ line: 2, key: 'remote', code: 'CONFLICT', words: ['10.32.0.9 lies in 10.32.0.1/16', 'its own packets'] },
  },
  {
    title: 'networks of hosts and underlay overlap',
    text: HEAD.replace('[eth0]', '[eth0], move-addresses: true'),
    // 192.168.200.128/25 holds neither end, but is a part of eth1's 192.168.200.0/24.
    facts: withLinks(link('eth0', ['192.168.200.129/25'])),
    commands: [['ip', 'address', 'add', '192.168.200.129/25', 'dev', 'eth0']],
    ...{ line: 4, key: 'bridge.ports.0', code: 'CONFLICT', words: ['overlaps with 192.168.200.1/24', 'eth1'] },
  },
  {
    title: 'the local address is not on this machine',
    text: ends('192.168.200.7', '172.16.0.1'),
    ...{ line: 1, key: 'local', code: 'ENVIRONMENT', words: ['no device of this machine has 192.168.200.7'] },
  },
  {
    title: "it is the other end's file",
    text: ends('172.16.0.1', '192.168.200.1'),
    ...{ line: 2, key: 'remote', code: 'CONFLICT', words: ['192.168.200.1 is an address of this machine (eth1)'] },
  },
  {
    title: 'the path to the other end goes elsewhere',
    text: ends('192.168.200.1', '198.51.100.1'),
    facts: { ...ROUTER, path: { dev: 'eth2', mtu: 1500, source: '203.0.113.2', via: '203.0.113.1' } },
    ...{ line: 3, key: 'underlay', code: 'ENVIRONMENT', words: ['uses eth2, not eth1'] },
  },
  {
    title: 'the bridge’s name is taken by something else',
    text: HEAD.replace('{ ports', '{ name: eth2, ports'),
    ...{ line: 4, key: 'bridge.name', code: 'CONFLICT', words: ['eth2 is there already and is no bridge'] },
  },
  {
    title: 'a gretap with these ends is there',
    text: HEAD,
    facts: withLinks(link('tap9', [], { kind: 'gretap', data: { local: '192.168.200.1', remote: '172.16.0.1' } })),
    commands: [
      ['ip', 'link', 'add', 'name', 'tap9', 'type', 'gretap', 'local', '192.168.200.1', 'remote', '172.16.0.1'],
    ],
    ...{
      line: 2,
      key: 'remote',
      code: 'CONFLICT',
      words: ['tap9 is a gretap from 192.168.200.1 to 172.16.0.1', 'EEXIST'],
    },
  },
];

/** Against a machine that has no way to do it; which one that is differs, so not for the lab's one guest. */
export const UNFIT_SITES: readonly WrongSite[] = [
  {
    title: 'the kernel does not take the program',
    text: `${HEAD}engine: bpf\n`,
    facts: { ...ROUTER, kernel: '7.2.13', can: { ...ROUTER.can, fastPath: 'no' } },
    ...{ line: 5, key: 'engine', code: 'ENVIRONMENT', words: ['bpf cannot work on kernel 7.2.13', 'does not take'] },
  },
  {
    title: 'the kernel loses what an nft bridge queue is handed back',
    text: `${HEAD}hook: nft-bridge\n`,
    facts: { ...ROUTER, kernel: '7.2.13', can: { ...ROUTER.can, nftBridgeQueue: 'no' } },
    ...{
      line: 5,
      key: 'hook',
      code: 'ENVIRONMENT',
      words: ['nft-bridge cannot work on kernel 7.2.13', 'loses every packet'],
    },
  },
  {
    title: 'the underlay is down',
    text: HEAD,
    facts: withLinks(link('eth1', ['192.168.200.1/24'], { up: false })),
    ...{ line: 3, key: 'underlay', code: 'ENVIRONMENT', words: ['eth1 is down'] },
  },
  {
    title: 'a port carries the IPv6 default route',
    text: HEAD,
    facts: { ...ROUTER, defaults6: ['eth0'] },
    ...{ line: 4, key: 'bridge.ports.0', code: 'CONFLICT', words: ['eth0 carries the IPv6 default route'] },
  },
  ...UNFIT_POLICIES,
  {
    title: 'there is no route to the other end',
    text: HEAD,
    facts: { ...ROUTER, path: undefined },
    ...{ line: 2, key: 'remote', code: 'ENVIRONMENT', words: ['no route to 172.16.0.1'] },
  },
];

/** Refused on any machine that is the router's like. */
export const WRONG_SITES: readonly WrongSite[] = [...TEXTS, ...MACHINES, ...WRONG_TUNNELS];
