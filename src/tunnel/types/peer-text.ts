/**
 * The other end of an L2TPv3 tunnel in the words of routers that are no Linux with clear-df. None of these was tried on
 * such a router: every key is from its vendor's documentation, named at the top of each text.
 */
import { isIpv6 } from '../../net/address6.js';
import { flowText } from '../flow.js';
import { siteError } from '../site/error.js';
import type { L2tpTunnel, Site } from '../site/site.js';
import { typeOf } from './table.js';

export const PEER_ROUTERS = ['routeros', 'vyos', 'ios', 'linux'] as const;
export type PeerRouter = (typeof PEER_ROUTERS)[number];

/** Of the other end: crosswise to this site's. */
interface Peer extends Omit<L2tpTunnel, 'cookie'> {
  local: string;
  remote: string;
  mtu: number;
  /** Hexadecimal digits, or the words that stand for them; undefined: none. */
  cookies: { sends: string; expects: string } | undefined;
}

/** Where the other end's cookies are not shown: the words say which one belongs there. */
const WORDS = {
  sends: "<cookie-from-the-key-file:-this-router's>",
  expects: "<cookie-from-the-key-file:-the-other's>",
};

/** A site whose tunnel is of type l2tp. */
type L2tpSite = Site & { tunnel: L2tpTunnel };

export function l2tpSite(site: Site): L2tpSite | undefined {
  const { tunnel } = site;
  return tunnel.type === 'l2tp' ? { ...site, tunnel } : undefined;
}

/**
 * The configuration that the other router needs.
 * @param secrets the cookies, from this end's view; without them there are words in their place
 * @throws ClearDfError USAGE where that router cannot be such an end
 */
export function peerText(site: L2tpSite, router: PeerRouter, secrets?: { out: string; in: string }): string {
  const { tunnel } = site;
  refuse(site, router);
  const shown = secrets === undefined ? WORDS : { sends: secrets.in, expects: secrets.out };
  const peer: Peer = {
    ...tunnel,
    ...{ local: site.remote, remote: site.local, mtu: site.mtu },
    ...{ tunnelId: tunnel.peerTunnelId, peerTunnelId: tunnel.tunnelId },
    ...{ sessionId: tunnel.peerSessionId, peerSessionId: tunnel.sessionId },
    ...{ port: tunnel.peerPort, peerPort: tunnel.port },
    cookies: tunnel.cookie === undefined ? undefined : shown,
  };
  return `${[...sealedFirst(site, router), ...TEXTS[router](peer, site)].join('\n')}\n`;
}

/** No text here encrypts: without IPsec of its own that router sends frames readable, whatever this one does. */
function sealedFirst(site: L2tpSite, router: PeerRouter): string[] {
  const { carrier, local, remote } = site;
  if (carrier.type !== 'esp' && carrier.type !== 'esp-in-udp') return [];
  const inUdp = carrier.type === 'esp-in-udp' ? ', in UDP,' : '';
  const how =
    carrier.ike === undefined ? 'with the keys that this end has' : `which clear-df tunnel ike ${site.file} prints`;
  return [
    `This tunnel goes inside ESP. None of what follows makes that: first let IPsec (${carrier.mode} mode, ${carrier.cipher})${inUdp} take`,
    `${flowText(typeOf(site).flow())} from ${local} to ${remote}, and back, ${how}; until it does, frames leave that router unencrypted.`,
  ].map((line) => `${router === 'ios' ? '!' : '#'} ${line}`);
}

const TEXTS: Record<PeerRouter, (peer: Peer, site: L2tpSite) => string[]> = {
  routeros: (peer, { name }) => [
    '# RouterOS 7.1 and later; keys: help.mikrotik.com, L2TP, "L2TP Ether". Not tried on such a router.',
    '# Fragments have to be let in; allow-fast-path stays no (its default).',
    [
      `/interface l2tp-ether add name=${name} unmanaged-mode=yes disabled=no`,
      `l2tp-proto-version=l2tpv3-${peer.encapsulation} local-address=${peer.local} connect-to=${peer.remote}`,
      `local-tunnel-id=${peer.tunnelId} remote-tunnel-id=${peer.peerTunnelId}`,
      `local-session-id=${peer.sessionId} remote-session-id=${peer.peerSessionId}`,
      `use-l2-specific-sublayer=${peer.sublayer === 'default' ? 'yes' : 'no'}`,
      ...(peer.cookies === undefined ? [] : [`send-cookie=${peer.cookies.sends} peer-cookie=${peer.cookies.expects}`]),
      `mtu=${peer.mtu}`,
    ].join(' \\\n    '),
    '# The port towards the hosts is ether2 here; both are ports of one bridge.',
    '/interface bridge add name=bridge-clear-df protocol-mode=none',
    `/interface bridge port add bridge=bridge-clear-df interface=${name}`,
    '/interface bridge port add bridge=bridge-clear-df interface=ether2',
  ],
  vyos: (peer) => {
    const set = (words: string) => `set interfaces l2tpv3 l2tpeth0 ${words}`;
    return [
      '# VyOS 1.3 and later; keys: docs.vyos.io, Interfaces, "L2TPv3". Not tried on such a router.',
      set(`encapsulation ${peer.encapsulation}`),
      set(`source-address ${peer.local}`),
      set(`remote ${peer.remote}`),
      set(`tunnel-id ${peer.tunnelId}`),
      set(`peer-tunnel-id ${peer.peerTunnelId}`),
      set(`session-id ${peer.sessionId}`),
      set(`peer-session-id ${peer.peerSessionId}`),
      ...(peer.encapsulation === 'ip'
        ? []
        : [set(`source-port ${peer.port}`), set(`destination-port ${peer.peerPort}`)]),
      set(`mtu ${peer.mtu}`),
      '# The port towards the hosts is eth0 here.',
      'set interfaces bridge br0 member interface l2tpeth0',
      'set interfaces bridge br0 member interface eth0',
    ];
  },
  ios: (peer) => [
    '! Cisco IOS: static sessions of L2TPv3, after a published example. Check it by its guide: not tried on such a router.',
    `! ip cef has to be on, and Loopback0 to have ${peer.local}; the port towards the hosts is GigabitEthernet0/1 here.`,
    '! Session numbers are all that is sent: IOS has no tunnel numbers. 115 is the protocol, without UDP.',
    'pseudowire-class clear-df',
    ' encapsulation l2tpv3',
    ' protocol none',
    ' ip local interface Loopback0',
    '!',
    'interface GigabitEthernet0/1',
    ` xconnect ${peer.remote} ${peer.sessionId} encapsulation l2tpv3 manual pw-class clear-df`,
    `  l2tp id ${peer.sessionId} ${peer.peerSessionId}`,
  ],
  linux: (peer, { name }) => {
    const { cookies } = peer;
    const ports = peer.encapsulation === 'ip' ? '' : ` udp_sport ${peer.port} udp_dport ${peer.peerPort}`;
    return [
      '# ip-l2tp(8). What these make is what clear-df tunnel up makes of a file with local and remote exchanged.',
      `ip l2tp add tunnel tunnel_id ${peer.tunnelId} peer_tunnel_id ${peer.peerTunnelId} encap ${peer.encapsulation} local ${peer.local} remote ${peer.remote}${ports}`,
      `ip l2tp add session name ${peer.name} tunnel_id ${peer.tunnelId} session_id ${peer.sessionId} peer_session_id ${peer.peerSessionId}` +
        (cookies === undefined ? '' : ` cookie ${cookies.sends} peer_cookie ${cookies.expects}`) +
        (peer.sublayer === 'none' ? ' l2spec_type none' : ''),
      `ip link set dev ${peer.name} mtu ${peer.mtu}`,
      `# then up, and a port of the bridge of the hosts; the tunnel is ${name}`,
    ];
  },
};

/** RouterOS has no key for ports, IOS none for UDP; the numbers of VyOS end before 32 bits do. */
const L2TP_PORT = 1701;
const VYOS_MAX = 429_496_729;

function refuse(site: L2tpSite, router: PeerRouter): void {
  const { encapsulation, port, peerPort, sublayer, cookie, tunnelId, peerTunnelId, sessionId, peerSessionId } =
    site.tunnel;
  const no = (key: string, reason: string, hint: string) => {
    throw siteError(site, `tunnel.${key}`, reason, hint);
  };
  if (router === 'routeros' && encapsulation === 'udp' && (port !== L2TP_PORT || peerPort !== L2TP_PORT)) {
    no(
      'port',
      `RouterOS has no key for the ports of an unmanaged tunnel: it uses ${L2TP_PORT}`,
      'leave port out, or encapsulation: ip',
    );
  }
  if (router === 'vyos') {
    if (cookie !== undefined) no('cookie', 'VyOS has no key for cookies', 'leave cookie out');
    if (sublayer === 'none') no('sublayer', 'VyOS has no key for it: packets have the sublayer', 'sublayer: default');
    const large = [tunnelId, peerTunnelId, sessionId, peerSessionId].find((number) => number > VYOS_MAX);
    if (large !== undefined) no('tunnel-id', `${large} is more than VyOS takes (${VYOS_MAX})`, 'smaller numbers');
  }
  if (router !== 'ios') return;
  if (encapsulation === 'udp')
    no('encapsulation', 'IOS sends L2TPv3 as IP protocol 115, without UDP', 'encapsulation: ip');
  if (sublayer === 'default') {
    no('sublayer', 'IOS sends no sublayer unless packets are numbered, and Linux numbers none', 'sublayer: none');
  }
  if (cookie !== undefined) no('cookie', 'its form for IOS was not found for certain', 'leave cookie out');
  if (isIpv6(site.local))
    no('type', 'static sessions of IOS over IPv6 were not found in its documentation', 'IPv4 on both ends');
}
