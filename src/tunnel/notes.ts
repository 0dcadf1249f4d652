/** What a plan says besides its commands. */
import { IPV6_MTU_MIN } from '../net/protocol.js';
import { pathOf } from './carriers/table.js';
import { type Facts, linkOf } from './facts.js';
import { segmentSizes } from './items/clamp.js';
import type { Origin } from './origin.js';
import { gretapOf, type Site } from './site/site.js';
import { type InnerCut, type Sizes, versionOf } from './sizes.js';

/** Connectivity that `up` cuts or moves, whatever the carrier. */
export function cutsOf(site: Site, facts: Facts, origin: Origin): string[] {
  const { bridge } = site;
  return bridge.ports.flatMap((port) => {
    const link = linkOf(facts, port);
    if (link === undefined || link.master === bridge.name) return [];
    const { addresses = [], routes = [] } = origin.ports.find(({ name }) => name === port) ?? {};
    const moved = addresses.map(({ prefix }) => prefix);
    const silent = link.addresses.filter(
      ({ family, scope, prefix }) => (family === 4 || scope !== 'link') && !moved.includes(prefix),
    );
    const cuts = silent.map(
      ({ prefix, dynamic }) =>
        `${prefix} on ${port} becomes unreachable` +
        (dynamic ? `: it is leased or advertised, and not moved; have it renewed on ${bridge.name}` : ''),
    );
    if (moved.length > 0) {
      const withRoutes =
        routes.length === 0 ? '' : `, with the routes to ${routes.map(({ destination }) => destination).join(', ')}`;
      cuts.unshift(
        `${moved.join(', ')} ${moved.length === 1 ? 'moves' : 'move'} from ${port} to ${bridge.name}${withRoutes}: connections ` +
          `pause for a moment; what is bound to ${port} by name (a DHCP server, firewall rules) has to be reconfigured`,
      );
    }
    return cuts.length > 0 ? cuts : [`${port} joins ${bridge.name}; it carries no address`];
  });
}

/** What holds for every carrier and engine. */
export function notesOf(site: Site, facts: Facts, sizes: Sizes): string[] {
  const notes = ['hosts stay as they are: no MTU, route or setting of theirs changes'];
  if (sizes.inside !== undefined) notes.push(...innerNotes(site, facts, sizes.inside));
  else if (sizes.wire.length > 1) {
    const largest = Math.max(...sizes.wire.map(({ length }) => length));
    const whole = sizes.wire.every(({ offset, moreFragments }) => offset === 0 && !moreFragments);
    const [which, prefix] = versionOf(sizes) === 6 ? ['net/ipv6', 'ip6frag'] : ['net/ipv4', 'ipfrag'];
    notes.push(
      `the other router puts ${sizes.packets.length} fragments together for every full packet: see its ` +
        `${which}/${prefix}_high_thresh (bytes) and ${prefix}_time (seconds); a lost fragment loses the packet`,
    );
    if (versionOf(sizes) === 6) {
      notes.push(
        `no router cuts IPv6: a link of less than ${sizes.pathMtu} bytes further on loses every full packet; path-mtu in ` +
          'both files says what the path carries, and firewalls on it must let fragments through',
      );
    }
    // IPv6 around IPv4 is cut by nobody, and hides from firewalls what it carries.
    if (sizes.version !== 6) {
      notes.push(
        whole
          ? `no packet in transit is a fragment; a link of less than ${largest} bytes further on makes fragments ` +
              'of them, which firewalls there must let through'
          : `a link of less than ${sizes.pathMtu} bytes further on cuts the fragments again, which DF no longer forbids; ` +
              'firewalls on the path must let fragments through',
      );
    }
  }
  if (gretapOf(site)?.pmtudisc === true)
    notes.push('tunnel.pmtudisc: every outer packet has DF until the rule at output clears it');
  for (const port of site.bridge.ports) {
    const link = linkOf(facts, port);
    if (link && link.mtu > site.mtu) {
      notes.push(
        `${port} has an MTU of ${link.mtu}: hosts that send packets of more than ${site.mtu} bytes lose them at the bridge`,
      );
    }
    const ipv6 = link?.addresses.filter(({ family, scope }) => family === 6 && scope !== 'link') ?? [];
    if (site.bridge.moveAddresses && ipv6.length > 0) {
      notes.push(`IPv6 routes by ${port} other than those of its addresses are not moved`);
    }
  }
  notes.push(...bridgeNotes(site, facts));
  const { to } = pathOf(site);
  if (facts.path === undefined) {
    notes.push(`there is no route to ${to} now: sizes are for the MTU of ${site.underlay}, ${sizes.pathMtu} bytes`);
  } else if (facts.path.dev !== site.underlay) {
    notes.push(`the route to ${to} now uses ${facts.path.dev}, not ${site.underlay}`);
  }
  for (const name of facts.oddDevices ?? []) {
    notes.push(`device ${name} is left out: what ip -d address show says of it is not understood`);
  }
  notes.push('both sites become one Ethernet: one DHCP server, no address twice, no second link between them');
  return notes;
}

/** What a cut before the tunnel does to hosts and to this router. */
function innerNotes({ mtu: full, bridge, tunnel }: Site, { tables }: Facts, { mtu, pieces }: InnerCut): string[] {
  if (pieces.length === 1) {
    return [`the path carries every packet of ${full} bytes whole: fragment: inner has nothing to do here`];
  }
  const { ip, ip6 } = segmentSizes(mtu);
  const notes = [
    `IPv4 packets of more than ${mtu} bytes arrive at the other site in ${pieces.length} pieces, which the receiving host ` +
      'joins (net/ipv4/ipfrag_high_thresh and ipfrag_time there); a lost piece loses the packet. No packet in transit is ' +
      'a fragment outside',
    `TCP is clamped to segments of ${ip} bytes, ${ip6} over IPv6, on connections that begin from now on; nothing of ` +
      'it is cut',
    `IPv6 packets of more than ${mtu} bytes other than TCP are lost, and their senders are not told: a bridge sends no ` +
      `packet-too-big. Have the segment's IPv6 router advertise the MTU (RFC 4861 §4.6.4; radvd: AdvLinkMTU ${mtu}); ` +
      'docs/fragment-inner.md has a rule by which a router that forwards IPv6 does answer',
    ...(mtu >= IPV6_MTU_MIN
      ? []
      : [
          `${mtu} is less than the ${IPV6_MTU_MIN} that IPv6 needs (RFC 8200 §5): IPv6 through the tunnel fails above ${mtu}`,
        ]),
    `${bridge.name} itself has an MTU of ${mtu}: what is routed through this router to the hosts is limited to that, and ` +
      'the senders are told',
    `frames with one VLAN tag are cut as well; with two tags, frames of more than ${mtu} bytes are lost`,
    'where connections are tracked on this router, fragments that hosts themselves send are lost when they are larger: the ' +
      'kernel joins them, and refuses to cut them to less than they were',
    `a link of less than the path's MTU further on would make fragments of outer packets: path-mtu says what the path carries`,
  ];
  if (tables === undefined) {
    notes.push(`nft cannot be read here: without it TCP through ${tunnel.name} is not clamped, and up fails`);
  }
  return notes;
}

/** What a bridge that is there already does with a port that comes. */
function bridgeNotes({ bridge, tunnel }: Site, facts: Facts): string[] {
  const data = linkOf(facts, bridge.name)?.data ?? {};
  const notes: string[] = [];
  if (Number(data['stp_state'] ?? 0) !== 0) {
    // Centiseconds, as the kernel keeps it.
    const seconds = (2 * Number(data['forward_delay'] ?? 1500)) / 100;
    notes.push(
      `${bridge.name} runs a spanning tree: a port that comes passes nothing for ${seconds} s (listening and learning), ` +
        `${tunnel.name} after every up; the trees of both sites become one through it`,
    );
  }
  if (Number(data['vlan_filtering'] ?? 0) === 1) {
    const own = Number(data['vlan_default_pvid'] ?? 1);
    notes.push(
      `${bridge.name} filters VLANs: ${tunnel.name} will carry ${own === 0 ? 'none' : `VLAN ${own} alone, untagged`}; for others: ` +
        `bridge vlan add dev ${tunnel.name} vid VLAN, after each up`,
    );
  }
  return notes;
}
