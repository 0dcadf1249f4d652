/** Site files whose tunnel is of another type than gretap, each wrong in one way. See `tunnel-wrong-sites.ts`. */
import { link, ROUTER, withLinks } from './tunnel-machine.js';
import { WRONG_FRAGMENTS } from './tunnel-wrong-fragment.js';
import type { WrongSite } from './tunnel-wrong-sites.js';

const BRIDGE = 'underlay: eth1\nbridge: { ports: [eth0] }\n';
/** Lines 1 to 4; line 5 follows. */
const HEAD = `local: 192.168.200.1\nremote: 172.16.0.1\n${BRIDGE}`;
const HEAD6 = `local: 2001:db8:a::1\nremote: 2001:db8:b::1\n${BRIDGE}`;
const MESH = `local: 192.168.200.1\nremotes: [172.16.0.1, 172.16.0.9]\n${BRIDGE}`;
const L2TP = 'tunnel: { type: l2tp }\n';
const VXLAN = 'tunnel: { type: vxlan }\n';

const refused = (title: string, text: string, line: number, key: string, ...words: string[]): WrongSite => ({
  ...{ title, text, line, key, words, code: 'USAGE' },
});

export const WRONG_TUNNELS: WrongSite[] = [
  refused(
    'the type of the tunnel is unknown',
    `${HEAD}tunnel: { type: geneve }\n`,
    5,
    'tunnel.type',
    "'geneve'",
    'l2tp or vxlan',
  ),
  refused('gretap over IPv6', HEAD6, 1, 'local', "'2001:db8:a::1'", 'IPv6 has no DF bit'),
  refused('vxlan over IPv6', `${HEAD6}${VXLAN}`, 1, 'local', 'type vxlan is IPv4'),
  refused('ends of two families', `${HEAD.replace('172.16.0.1', '2001:db8:b::1')}${L2TP}`, 2, 'remote', 'two families'),
  refused(
    'a link-local end',
    `${HEAD6.replace('2001:db8:b::1', 'fe80::1')}${L2TP}`,
    2,
    'remote',
    "'fe80::1'",
    'one link only',
  ),
  refused(
    'an IPv4 address that is written as IPv6',
    `${HEAD6.replace('2001:db8:b::1', '::ffff:192.0.2.1')}${L2TP}`,
    2,
    'remote',
    "'::ffff:192.0.2.1' is not accepted; expected the IPv4 address of one host: 192.0.2.1; type l2tp: or IPv6",
  ),
  refused(
    'a GRE key without GRE',
    `${HEAD}tunnel: { type: l2tp, key: 7 }\n`,
    5,
    'tunnel.key',
    'tunnel type gretap',
    'tunnel-id',
  ),
  refused(
    'pmtudisc without GRE',
    `${HEAD}tunnel: { type: vxlan, pmtudisc: true }\n`,
    5,
    'tunnel.pmtudisc',
    'type gretap',
    'vni',
  ),
  refused(
    'a session of a gretap',
    `${HEAD}tunnel:\n  session-id: 7\n`,
    6,
    'tunnel.session-id',
    'type l2tp',
    'this one is gretap',
  ),
  refused('a network identifier of L2TPv3', `${HEAD}tunnel: { type: l2tp, vni: 7 }\n`, 5, 'tunnel.vni', 'type vxlan'),
  refused('tunnel 0', `${HEAD}tunnel: { type: l2tp, tunnel-id: 0 }\n`, 5, 'tunnel.tunnel-id', "'0'", '1-4294967295'),
  refused('ports without UDP', `${HEAD}tunnel: { type: l2tp, port: 1702 }\n`, 5, 'tunnel.port', '115 has no ports'),
  refused(
    'a cookie in the site file',
    `${HEAD}tunnel: { type: l2tp, cookie: 0011223344556677 }\n`,
    5,
    'tunnel.cookie',
    'not repeated',
    'file of their own',
  ),
  refused(
    'the size of no cookie',
    `${HEAD}tunnel: { type: l2tp, cookie-size: 4 }\n`,
    5,
    'tunnel.cookie-size',
    'no cookie',
  ),
  refused(
    'a cookie of 6 bytes',
    `${HEAD}tunnel: { type: l2tp, cookie: c, cookie-size: 6 }\n`,
    5,
    'tunnel.cookie-size',
    "'6'",
    '4 or 8',
  ),
  refused(
    'an engine where none is needed',
    `${HEAD}${L2TP}engine: bpf\n`,
    6,
    'engine',
    'bpf',
    'by itself',
    'auto or none',
  ),
  refused(
    'the flag of a gretap before a VXLAN',
    `${HEAD}${VXLAN}engine: tunnel-flag\n`,
    6,
    'engine',
    'type vxlan',
    'bpf or nfqueue',
  ),
  refused('a hook where there is no queue', `${HEAD}${L2TP}hook: br-netfilter\n`, 6, 'hook', 'br-netfilter'),
  refused(
    'a VTI around L2TPv3',
    `${HEAD}${L2TP}carrier: { type: vti, keys: k, device: vti1, mark: 7 }\n`,
    6,
    'carrier',
    'vti carries GRE',
    'expected plain, esp or esp-in-udp',
  ),
  refused(
    'keys of two ends for three',
    `${MESH}tunnel: { type: vxlan }\ncarrier: { type: esp, keys: k }\n`,
    6,
    'carrier.keys',
    'this tunnel has 2 other ends',
  ),
  refused(
    'one identity for two other ends',
    `${MESH}tunnel: { type: vxlan }\ncarrier: { type: esp, ike: { psk: k, remote-id: b.example } }\n`,
    6,
    'carrier.ike.remote-id',
    'there are 2',
  ),
  refused(
    'a cookie inside ESP',
    `${HEAD}tunnel: { type: l2tp, cookie: c }\ncarrier: { type: esp, keys: k }\n`,
    5,
    'tunnel.cookie',
    'a cookie adds nothing',
  ),
  refused(
    'a VXLAN by the port of the ESP around it',
    `${HEAD}tunnel: { type: vxlan, port: 4501 }\ncarrier: { type: esp-in-udp, remote-port: 4501, keys: k }\n`,
    5,
    'tunnel.port',
    'UDP 4501 is that of ESP in UDP as well',
  ),
  refused(
    'L2TPv3 by the port of IKE',
    `${HEAD}tunnel: { type: l2tp, encapsulation: udp, peer-port: 500 }\ncarrier: { type: esp, keys: external }\n`,
    5,
    'tunnel.peer-port',
    'UDP 500 is that of the IKE daemons',
  ),
  refused('ESP over IPv6', `${HEAD6}${L2TP}carrier: { type: esp, keys: k }\n`, 6, 'carrier', 'the ends are IPv6'),
  refused('several other ends of a gretap', MESH, 2, 'remotes', 'one other end'),
  refused(
    'one other end and several',
    `${HEAD}remotes: [172.16.0.9]\n${VXLAN}`,
    5,
    'remotes',
    'there is remote as well',
    ':2',
  ),
  refused(
    'a site that is named twice',
    `${MESH.replace('0.9', '0.1')}${VXLAN}`,
    2,
    'remotes.1',
    '172.16.0.1 is named twice',
  ),
  refused(
    'this site among the others',
    `${MESH.replace('172.16.0.9', '192.168.200.1')}${VXLAN}`,
    2,
    'remotes.1',
    'local address as well',
  ),
  refused(
    'an empty list of sites',
    `${MESH.replace(/\[.*9\]/, '[]')}${VXLAN}`,
    2,
    'remotes',
    'an empty list',
    'one for each other router',
  ),
  refused('the MTU of a path that is cut again', `${HEAD}path-mtu: 1400\n`, 5, 'path-mtu', 'type gretap', 'l2tp'),
  refused(
    'less than IPv6 has everywhere',
    `${HEAD6}${L2TP}path-mtu: 1000\n`,
    6,
    'path-mtu',
    '1000',
    '1280',
    'RFC 8200',
  ),
  refused('no room for the outer header', `${HEAD}mtu: 65500\n${L2TP}`, 5, 'mtu', '65500', '65535'),
  {
    ...{ title: 'a VXLAN with this identifier is there', text: `${HEAD}${VXLAN}`, line: 5, key: 'tunnel.vni' },
    facts: withLinks(link('vx9', [], { kind: 'vxlan', data: { id: 1, port: 4789 } })),
    commands: ['ip link add name vx9 type vxlan id 1 dstport 4789'.split(' ')],
    ...{ code: 'CONFLICT', words: ['vx9 is a VXLAN with identifier 1 at UDP 4789', 'EEXIST'] },
  },
  {
    ...{
      title: 'one of several other ends is this machine',
      text: `${MESH.replace('172.16.0.9', '203.0.113.2')}${VXLAN}`,
    },
    ...{ line: 2, key: 'remotes.1', code: 'CONFLICT', words: ['203.0.113.2 is an address of this machine (eth2)'] },
  },
  ...['vti', 'xfrm-interface'].map((type) => ({
    ...{ title: `a path too narrow for ${type}`, text: `${HEAD}carrier: { type: ${type}, keys: external }\n` },
    facts: { ...ROUTER, path: { dev: 'eth1', mtu: 100, source: undefined, via: undefined } },
    commands: ['ip link set dev eth1 mtu 100'.split(' ')],
    ...{
      line: 3,
      key: 'underlay',
      code: 'ENVIRONMENT' as const,
      words: ['ESP leaves 46 bytes of the path', 'IPv4 fragments need 68'],
    },
  })),
  ...WRONG_FRAGMENTS,
];

const POLICY = {
  ...{ direction: 'out', source: '192.168.200.1/32', destination: '172.16.0.1/32', protocol: 'gre' },
  ...{ transform: 'esp', mode: 'transport', reqid: 7 },
};

/** Policies that others keep between the same two ends. */
export const UNFIT_POLICIES: WrongSite[] = [
  {
    title: 'somebody else keeps a policy for the same packets',
    text: `${HEAD}carrier: { type: esp, keys: site.keys }\n`,
    facts: { ...ROUTER, policies: [POLICY] },
    ...{ line: 5, key: 'carrier', code: 'CONFLICT', words: ['there is a policy already', 'reqid 7', 'relies on it'] },
  },
  {
    title: 'a policy for other packets between the two ends has the same reqid',
    text: `${HEAD}${L2TP}carrier: { type: esp, keys: site.keys, reqid: 7 }\n`,
    facts: { ...ROUTER, policies: [POLICY] },
    ...{ line: 6, key: 'carrier.reqid', code: 'CONFLICT', words: ['protocol gre', 'reqid 7', 'keys of the other'] },
  },
];
