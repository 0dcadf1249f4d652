/**
 * GRE by the device of a VPN that another program looks after: WireGuard, OpenConnect, OpenVPN, an XFRM interface from
 * another namespace. Such a device comes and goes with its daemon, so nothing is tied to it but by its name: the
 * routing table finds it again.
 */
import { IPV4, wireguardOverhead } from '../../net/overhead.js';
import { IPV4_LENGTH_MAX } from '../../net/protocol.js';
import { type Facts, type Link, linkOf, pathMtu } from '../facts.js';
import type { Site, TunCarrier } from '../site/site.js';
import type { Carrier } from './carrier.js';
import { isMainDefault, routeGuards } from './guard.js';

/** Kinds of devices whose traffic is encrypted. `tun` is TAP as well; `ovpn` is OpenVPN in the kernel (6.16). */
const VPN_KINDS = new Set(['tun', 'wireguard', 'ovpn', 'xfrm', 'vti', 'ppp', 'macsec']);

export const tun: Carrier<TunCarrier> = {
  layers: () => [{ ...IPV4, name: 'outer IPv4 header, inside the VPN' }],
  hidesFragments: 'the fragments of GRE travel inside the packets of the VPN',
  later: (_spec, site, facts) => {
    if (linkOf(facts, site.underlay)?.kind !== 'wireguard') return undefined;
    const mtu = pathMtu(site, facts);
    // Which link WireGuard's own packets take is not known: they count whole.
    return { layers: (length) => wireguardOverhead(length, mtu), mtu: IPV4_LENGTH_MAX };
  },
  asks: ['covering'],
  // The kernel sends nothing from an address that is gone (`__ip_dev_find` in `ip_route_output_key_hash_rcu`), but an
  // address outlives the route of a device that is down.
  guards: (_spec, site, facts) => routeGuards(site, facts),
  items: () => [],
  cuts: () => [],
  notes: (_spec, site, facts) => [...vpnNotes(site, linkOf(facts, site.underlay)), ...guardNotes(site, facts)],
};

function vpnNotes({ underlay, remote }: Site, link: Link | undefined): string[] {
  if (link === undefined) return [];
  const { kind } = link;
  if (kind === undefined || !VPN_KINDS.has(kind)) {
    return [
      `${underlay} is ${kind === undefined ? 'hardware' : `a ${kind}`}, no VPN as far as this machine shows: frames ` +
        'cross it readable, as with carrier plain',
    ];
  }
  const notes = [
    `whoever looks after ${underlay} encrypts, and has to let GRE (protocol 47) to ${remote} through; when that device ` +
      'goes and comes, the tunnel stays, and finds it by the route; nothing has to be started again',
  ];
  if (kind === 'wireguard') {
    notes.push(
      `WireGuard's own packets are counted for IPv4 (20 bytes more each for IPv6); allowed-ips must hold ${remote}`,
    );
  }
  if (kind === 'xfrm' || kind === 'vti') {
    notes.push(
      `the kernel learns how much ESP leaves of ${underlay}'s MTU, and cuts to that: see ip route get ${remote}`,
    );
  }
  return notes;
}

function guardNotes({ underlay, remote }: Site, { tables, covering }: Facts): string[] {
  const nft =
    tables === undefined
      ? [`nft cannot be read here: no rule of its keeps GRE from leaving by another device than ${underlay}`]
      : [];
  if (covering === undefined || !isMainDefault(covering)) return nft;
  return [
    ...nft,
    `the path to ${remote} is the default route: a policy lets GRE into ${underlay} as it is now, and nowhere else; when ` +
      `the VPN makes that device anew, GRE is dropped until up has run again (one that is running looks every 30 s); a ` +
      `route of its own to ${remote} by ${underlay}, from whoever looks after the VPN, needs none of this`,
  ];
}
