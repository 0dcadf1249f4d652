/** Files of nets, each wrong in one way: refused with file, line and reason. */
import { ALIKE, sitesText } from './net-samples.js';

interface WrongNet {
  title: string;
  text: string;
  line: number;
  words: string[];
}

const wrong = (title: string, text: string, line: number, ...words: string[]): WrongNet => ({
  title,
  text,
  line,
  words,
});

/** Lines 1 to 3; the sites begin in line 4 or behind what is put in between. */
const MESH = `${ALIKE}shape: mesh\n`;
const PAIR = `${ALIKE}shape: pair\n`;
/** Lines 1 to 4. */
const HUB = `${ALIKE}shape: hub\nhub: main\n`;
const TWO = sitesText(2);
const THREE = sitesText(3);

export const WRONG_NETS: readonly WrongNet[] = [
  wrong('no shape', `${ALIKE}${THREE}`, 1, 'shape', 'it is missing', 'mesh, hub or pair'),
  wrong('an unknown shape', `${ALIKE}shape: star\n${THREE}`, 3, "'star' is not accepted", 'mesh, hub or pair'),
  wrong('no sites', MESH, 1, 'sites', 'it is missing', 'a map of sites'),
  wrong('one site', `${MESH}${sitesText(1)}`, 4, 'sites', 'two at least'),
  wrong('a pair of three', `${PAIR}${THREE}`, 3, 'a pair has two sites, and there are 3'),
  wrong(
    'a name that is no folder',
    `${MESH}${TWO}  ../x: { local: 10.0.0.1 }\n`,
    7,
    '../x: its name is not accepted',
    'expected letters, digits',
  ),
  wrong('a site that is no map', `${MESH}${TWO}  west: 10.0.0.1\n`, 7, 'sites.west', 'a map of KEY: VALUE with local'),
  wrong('a misspelt key of the net', `${MESH}hubb: main\n${THREE}`, 4, "unknown key 'hubb'", 'shape, hub'),
  wrong(
    'a misspelt key of a site',
    `${MESH}${sitesText(2, { north: 'lokal: x' })}`,
    6,
    "unknown key 'lokal'",
    'sites.north',
  ),
  wrong(
    'a misspelt key in a map of one site',
    `${MESH}${sitesText(2, { north: 'tunnel: { vnj: 7 }' })}`,
    6,
    "'vnj'",
    'north',
  ),
  wrong('what follows from the others', `${MESH}remotes: [10.0.0.1]\n${THREE}`, 4, "unknown key 'remotes'"),
  wrong('a site without an address', `${MESH}${TWO}  west: { engine: bpf }\n`, 7, 'sites.west.local', 'it is missing'),
  wrong('an address that is none', `${MESH}${TWO}  west: { local: 10.0.0 }\n`, 7, "'10.0.0' is not accepted", 'IPv4'),
  wrong(
    'an address that only the site itself knows',
    `${MESH}${TWO}  west: { local: auto }\n`,
    7,
    "'auto' is not",
    'name',
  ),
  wrong('two sites of one name', `${MESH}${TWO}  a: { local: gw }\n  b: { local: gw }\n`, 8, 'the address of site a'),
  wrong(
    'a name that keys depend on',
    `${HUB}carrier: { type: esp, keys: auto }\n${TWO}  west: { local: gw.example }\n`,
    9,
    'remote (site main)',
    'gw.example is to be looked up, and carrier esp is made for addresses',
  ),
  wrong(
    'a name that cookies depend on',
    `${HUB}tunnel: { type: l2tp, cookie: auto }\n${TWO}  west: { local: gw.example }\n`,
    9,
    'a file of cookies has them by address',
  ),
  wrong(
    'two sites of one address',
    `${MESH}${TWO}  west: { local: 192.0.2.1 }\n`,
    7,
    '192.0.2.1 is the address of site main',
  ),
  wrong(
    'one address, spelt in two ways',
    `${HUB}tunnel: { type: l2tp, tunnel-id: 1, peer-tunnel-id: 2 }\n${sitesText(2, {}, ['2001:db8::1', '2001:db8::2'])}  west: { local: '2001:DB8:0::2' }\n`,
    9,
    '2001:DB8:0::2 is the address of site north as well',
  ),
  wrong(
    'one name, spelt in two ways',
    `${MESH}${TWO}  a: { local: gw.example }\n  b: { local: GW.example. }\n`,
    8,
    'GW.example. is the address of site a as well',
  ),
  wrong(
    'a device that is none',
    `${MESH}${sitesText(2, { north: 'underlay: "eth 1"' })}`,
    6,
    'underlay (site north)',
    'a device name',
  ),
  wrong('no ports', `underlay: eth1\nshape: mesh\n${TWO}`, 4, 'bridge', 'site main', 'it is missing'),
  wrong(
    'a port that is the underlay',
    `${MESH}${sitesText(2, { north: 'underlay: eth0' })}`,
    2,
    'bridge.ports.0 (site north)',
    'already (office.yaml:6)',
  ),
  wrong('a mesh of gretaps', `${MESH}tunnel: { type: gretap }\n${THREE}`, 4, 'are a loop', 'vxlan'),
  wrong(
    'one L2TPv3 in a mesh',
    `${MESH}${sitesText(3, { south: 'tunnel: { type: l2tp }' })}`,
    7,
    'sites.south.tunnel.type',
    'a loop',
  ),
  wrong(
    'a mesh with the keys of two ends',
    `${MESH}carrier: { type: esp, keys: auto }\n${THREE}`,
    4,
    'this tunnel has 2 other ends',
  ),
  wrong(
    'a mesh over IPv6',
    `${MESH}sites:\n  a: { local: '2001:db8::1' }\n  b: { local: '2001:db8::2' }\n`,
    5,
    'type vxlan is IPv4',
  ),
  wrong('a text for a map', `${HUB}tunnel: gretap\n${THREE}`, 5, 'tunnel (site main)', 'expected a map of KEY: VALUE'),
  wrong('a hub of one VXLAN', `${HUB}tunnel: { type: vxlan }\n${THREE}`, 5, 'with no hub', 'gretap or l2tp'),
  wrong('a hub of VTIs', `${HUB}carrier: { type: vti, keys: auto }\n${THREE}`, 5, 'a mark and a table', 'plain, esp'),
  wrong('a hub that is not named', `${ALIKE}shape: hub\n${THREE}`, 1, 'hub: it is missing', 'main, north, south'),
  wrong('a hub that is no site', `${ALIKE}shape: hub\nhub: man\n${THREE}`, 4, "'man' is no site"),
  wrong('a hub of a mesh', `${MESH}hub: main\n${THREE}`, 4, 'shape mesh has no hub'),
  wrong(
    'a name for all of the hub’s devices',
    `${HUB}${sitesText(3, { main: 'tunnel: { name: g }' })}`,
    6,
    'called to-SITE',
  ),
  wrong(
    'a device name that is too long',
    `${HUB}${TWO}  north-by-northwest: { local: 10.0.0.1 }\n`,
    8,
    "'to-north-by-northwest'",
    '15 characters',
  ),
  wrong(
    'l2tp over two families',
    `${HUB}tunnel: { type: l2tp }\n${TWO}  west: { local: '2001:db8::2' }\n`,
    9,
    'two families',
  ),
  wrong(
    'gretap over IPv6',
    `${PAIR}sites:\n  a: { local: '2001:db8::1' }\n  b: { local: '2001:db8::2' }\n`,
    5,
    'IPv6 has no DF bit',
  ),
  wrong(
    'a VTI around L2TPv3',
    `${PAIR}tunnel: { type: l2tp }\ncarrier: { type: vti, keys: auto, device: vti1, mark: 7 }\n${TWO}`,
    5,
    'vti carries GRE',
  ),
  wrong('ESP without keys', `${PAIR}carrier: esp\n${TWO}`, 4, 'carrier.keys', 'the path of a key file'),
  wrong(
    'a key in the file',
    `${PAIR}carrier: { type: esp, keys: 0x00112233445566778899aabbccddeeff }\n${TWO}`,
    4,
    'not repeated here',
    'a file of their own',
  ),
  wrong(
    'two network identifiers',
    `${MESH}${sitesText(3, { north: 'tunnel: { vni: 7 }' })}`,
    6,
    'tunnel.vni',
    '7, and site main has tunnel.vni 1',
  ),
  wrong(
    'GRE keys that differ',
    `${PAIR}${sitesText(2, { main: 'tunnel: { key: 7 }', north: 'tunnel: { key: 8 }' })}`,
    6,
    'tunnel.key',
    '8, and site main',
    'mirror each other',
  ),
  wrong(
    'two ciphers',
    `${PAIR}carrier: { type: esp, keys: auto }\n${sitesText(2, { main: 'carrier: { cipher: aes-gcm-128 }', north: 'carrier: { cipher: aes-gcm-256 }' })}`,
    7,
    'carrier.cipher',
    'aes-gcm-128',
  ),
  wrong(
    'ports that cross',
    `${PAIR}carrier: { type: esp-in-udp, keys: auto, port: 4501, remote-port: 4502 }\n${TWO}`,
    4,
    'carrier.remote-port',
    '4502, and site main has carrier.port 4501',
  ),
  wrong(
    'segments that end elsewhere',
    `${PAIR}carrier: { type: srv6, vrf: red, table: 9, source: 'fc00::1', sid: 'fc00:a::1', segments: ['fc00:b::1'] }\n${TWO}`,
    4,
    'carrier.segments',
    'fc00:b::1, and site main has carrier.sid fc00:a::1',
  ),
  wrong(
    'ids of a tunnel without those of its session',
    `${PAIR}tunnel: { type: l2tp }\n${sitesText(2, { main: 'tunnel: { tunnel-id: 7, peer-tunnel-id: 8 }' })}`,
    4,
    'tunnel.peer-session-id',
    '8, and site main has tunnel.session-id 7',
  ),
  wrong(
    'two MTUs',
    `${MESH}${sitesText(3, { south: 'mtu: 9000' })}`,
    7,
    'mtu (site south)',
    '9000, and site main has 1500',
    'one Ethernet',
  ),
  wrong(
    'two sockets on one port of the hub',
    `${HUB}carrier: { type: esp-in-udp, keys: auto }\n${THREE}`,
    5,
    'site south',
    'UDP port 4500',
    'site north',
  ),
  wrong(
    'two L2TPv3 tunnels on one port of the hub',
    `${HUB}tunnel: { type: l2tp, encapsulation: udp }\n${THREE}`,
    5,
    'UDP port 1701',
    'EADDRINUSE',
  ),
  wrong(
    'one number for two L2TPv3 tunnels of the hub',
    `${HUB}tunnel: { type: l2tp, tunnel-id: 7 }\n${THREE}`,
    5,
    'tunnel.tunnel-id',
    'number 7 of the hub is that of the tunnel to site north',
  ),
  wrong(
    'more ports of metrics than there are',
    `${HUB}engine: nfqueue\nmetrics: 127.0.0.1:65535\n${THREE}`,
    6,
    "'127.0.0.1:65536'",
  ),
  wrong(
    'one key file for two tunnels',
    `${HUB}carrier: { type: esp, keys: a.keys }\n${THREE}`,
    5,
    'a.keys has the keys of the tunnel to site north',
  ),
  wrong(
    'a key file that is made for one end',
    `${PAIR}carrier: esp\n${sitesText(2, { main: 'carrier: { keys: auto }', north: 'carrier: { keys: /etc/a.keys }' })}`,
    7,
    'carrier.keys',
    'for one end alone',
  ),
  wrong('keys far from the site file', `${PAIR}key-folder: /etc/keys\n${TWO}`, 4, "'/etc/keys'", 'one folder'),
];
