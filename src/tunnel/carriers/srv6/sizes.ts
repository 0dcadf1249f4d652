/** What SRv6 puts around a packet, and where the packet is cut to leave room for it. Bytes throughout. */
import { IPV4_MTU_MIN } from '../../../net/protocol.js';
import { bytesOf, greOverhead, IPV4, IPV6, segmentRouting } from '../../../net/overhead.js';
import { type Facts, pathMtu } from '../../facts.js';
import { gretapOf, type Site, type Srv6Carrier } from '../../site/site.js';
import type { Layer } from '../../sizes.js';

/**
 * The layers around an IPv4 packet, innermost first. The reduced form leaves the first segment out of the header: it
 * is the destination already, and of one segment nothing is left (RFC 8986 §5.2, `seg6_do_srh_encap_red`).
 */
export function segmentLayers({ segments, encap }: Pick<Srv6Carrier, 'segments' | 'encap'>): Layer[] {
  const listed = encap === 'encap.red' ? segments.length - 1 : segments.length;
  return [...(listed === 0 ? [] : [segmentRouting(listed)]), IPV6];
}

/** Bytes of {@link segmentLayers}. */
export function segmentOverhead(spec: Pick<Srv6Carrier, 'segments' | 'encap'>): number {
  return bytesOf(segmentLayers(spec));
}

/** The GRE packet around a host's packet of full size. */
function fullPacket({ mtu, tunnel }: Pick<Site, 'mtu' | 'tunnel'>): number {
  return mtu + bytesOf([...greOverhead(gretapOf({ tunnel })?.key !== undefined), IPV4]);
}

/** How a full packet gets through the core. */
export interface CorePath {
  cut: 'whole' | 'second-hop';
  /** Of the core, as far as this router sees it. */
  core: number;
  /** What the core must take for a full packet to stay whole. */
  needed: number;
  /** Largest IPv4 packet that the core takes inside of IPv6. */
  room: number;
  /** Why it is cut here. */
  because: string;
}

/** {@link corePathFor} on a machine whose route to the first segment is known. */
export function chooseCorePath(spec: Srv6Carrier, site: Site, facts: Facts): CorePath {
  return corePathFor(spec, site, pathMtu(site, facts));
}

/** @param core bytes of the largest IPv6 packet that leaves towards the first segment */
export function corePathFor(spec: Srv6Carrier, site: Pick<Site, 'mtu' | 'tunnel'>, core: number): CorePath {
  const overhead = segmentOverhead(spec);
  const needed = fullPacket(site) + overhead;
  const sum = `${fullPacket(site)} of GRE and ${overhead} of IPv6 and segments make ${needed} bytes`;
  const parts = { core, needed, room: core - overhead };
  if (spec.cut === 'whole') return { cut: 'whole', ...parts, because: `${sum}; the file asks for whole packets` };
  if (spec.cut === 'second-hop') {
    return { cut: 'second-hop', ...parts, because: `${sum}; the file asks for a second hop that cuts before` };
  }
  if (core >= needed) {
    return { cut: 'whole', ...parts, because: `${sum}, and the path into the core carries ${core}: nothing is cut` };
  }
  const because = `${sum}, and the path into the core carries ${core}: a route into segments cuts nothing, so that a second hop of ${parts.room} bytes has to cut before`;
  return { cut: 'second-hop', ...parts, because };
}

/** Whether the second hop leaves room for fragments at all. */
export function hasRoom({ room }: CorePath): boolean {
  return room >= IPV4_MTU_MIN;
}
