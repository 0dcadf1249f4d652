/** TCP through the tunnel's port has segments that fit it: hosts agree on them when a connection begins. */
import { IPV4_HEADER, IPV6_HEADER } from '../../net/overhead.js';
import { tagOf } from '../../rules/resolve.js';
import type { Item } from '../item.js';
import type { Site } from '../site/site.js';
import { nftTableItem } from './nft-table.js';

/** Without options (RFC 9293 §3.1): a maximum segment size does not count those (RFC 6691 §2). */
const TCP_HEADER = 20;

/** The largest segment of IPv4 and of IPv6 in packets of this many bytes. */
export function segmentSizes(mtu: number): { ip: number; ip6: number } {
  return { ip: mtu - IPV4_HEADER - TCP_HEADER, ip6: mtu - IPV6_HEADER - TCP_HEADER };
}

/**
 * GSO packets of TCP go past the cut of the bridge (`skb_is_gso` in `br_nf_dev_queue_xmit`): with segments that fit, they
 * may. In nft's bridge family, which sees IPv6 and VLAN-tagged frames without ip6tables; SYN and SYN-ACK, both ways.
 */
export function clampItem({ name, tunnel }: Pick<Site, 'name' | 'tunnel'>, mtu: number): Item {
  const sizes = segmentSizes(mtu);
  const clamp = (direction: string, protocol: 'ip' | 'ip6') =>
    // Not `ether type`, which is that of the tag where there is one.
    `${direction} "${tunnel.name}" meta protocol ${protocol} tcp flags & syn != 0 ` +
    `tcp option maxseg size > ${sizes[protocol]} counter tcp option maxseg size set ${sizes[protocol]} comment "${tagOf(name)}"`;
  const rules = (['oifname', 'iifname'] as const).flatMap((direction) => [
    clamp(direction, 'ip'),
    clamp(direction, 'ip6'),
  ]);
  return nftTableItem({
    family: 'bridge',
    // A dot: no instance can have this name, whose own tables stay apart.
    name: clampName(name),
    chains: [{ name: 'forward', base: 'type filter hook forward priority -150; policy accept;', rules }],
    desired: `TCP through ${tunnel.name} has segments of at most ${sizes.ip} bytes, ${sizes.ip6} over IPv6`,
    reason: `both hosts of a TCP connection then send packets of at most ${mtu} bytes, and nothing of it has to be cut`,
  });
}

/** Of its table. */
export function clampName(name: string): string {
  return `${name}.mss`;
}
