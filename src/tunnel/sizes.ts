/** The arithmetic of a tunnel: from the host's packet to every fragment on the wire. Bytes throughout. */
import { bytesOf, FRAGMENT_UNIT, IPV4_HEADER, IPV6_FRAGMENT_HEADER, IPV6_HEADER } from '../net/overhead.js';

/** One layer that is put around the packet. */
export interface Layer {
  name: string;
  bytes: number;
  /** `RFC 2784 §2.1` */
  source: string;
}

/** One packet on the wire, as long as its IP packet. */
export interface WirePacket {
  length: number;
  /** Offset of its payload in the datagram that was cut. */
  offset: number;
  moreFragments: boolean;
}

export interface Sizes {
  /** The host's IP packet. */
  inner: number;
  layers: Layer[];
  /** The outer IP packet, whole, where it meets the link that may cut it. */
  outer: number;
  /** MTU of that link, and the device by which it is reached. */
  pathMtu: number;
  cutBy: string;
  /** What the link makes of one inner packet of full size. */
  packets: WirePacket[];
  /** Put around each of {@link packets} afterwards; these are the first one's. */
  later: Layer[];
  /** What leaves by the underlay. */
  wire: WirePacket[];
  /** Of its outermost header; IPv4 where it is not said. */
  version?: 6;
  /** The largest inner IP packet that needs no fragments. */
  fits: number;
  /** Where the bridge cuts the host's packet; {@link layers} and {@link outer} are then those of the first piece. */
  inside?: InnerCut;
}

/** A host's packet, cut before the tunnel. */
export interface InnerCut {
  /** Bytes: the MTU of the tunnel's port and of the bridge. */
  mtu: number;
  /** What the bridge makes of one inner packet of full size. */
  pieces: WirePacket[];
}

/** One VLAN tag of a frame (IEEE 802.1Q), which no MTU counts. */
export const VLAN_TAG = 4;

/** Where the outer packet is cut. */
export interface Cut {
  by: string;
  /** Bytes. */
  mtu: number;
  /** Of the header that is cut; IPv4 where it is not said. */
  version?: 6;
}

/** What is put around each packet after the cut, outermost last. */
export interface Later {
  layers(length: number): Layer[];
  /** Of the underlay; what is larger is cut once more, unless it is IPv6. */
  mtu: number;
  /** Of the outermost header; IPv4 where it is not said. No router cuts IPv6 (RFC 8200 §4.5). */
  version?: 6;
}

/**
 * The packets that a datagram becomes on a link (RFC 791 §3.2, `ip_do_fragment` in net/ipv4/ip_output.c): every one but the last carries as many bytes as fit, in units of 8.
 * A datagram that fits stays whole. IPv6 alike, with a header of its own in each fragment (RFC 8200 §4.5).
 * @param length the whole datagram with its header of 20 or 40 bytes
 * @param mtu room for a header and one unit at least
 */
export function fragments(length: number, mtu: number, version: 4 | 6 = 4): WirePacket[] {
  if (length <= mtu) return [wholePacket(length)];
  const payload = length - (version === 6 ? IPV6_HEADER : IPV4_HEADER);
  const header = fragmentHeader(version);
  const room = Math.floor((mtu - header) / FRAGMENT_UNIT) * FRAGMENT_UNIT;
  if (room < FRAGMENT_UNIT) throw new RangeError(`an MTU of ${mtu} bytes holds no fragment`);
  const packets: WirePacket[] = [];
  for (let offset = 0; offset < payload; offset += room) {
    const bytes = Math.min(room, payload - offset);
    packets.push({ length: bytes + header, offset, moreFragments: offset + bytes < payload });
  }
  return packets;
}

/** Bytes before the payload of each fragment. */
export function fragmentHeader(version: 4 | 6): number {
  return version === 6 ? IPV6_HEADER + IPV6_FRAGMENT_HEADER : IPV4_HEADER;
}

/** Of the header that the tunnel's own packets have, and that is cut. */
export function versionOf({ version, later }: Pick<Sizes, 'version' | 'later'>): 4 | 6 {
  return version === 6 && later.length === 0 ? 6 : 4;
}

/**
 * The sizes of a tunnel for one inner packet.
 * @param cut the link that cuts what does not fit
 * @param layersOf the layers around an inner packet of this length, the innermost first, as they meet that link
 * @param later what is put around each packet behind it
 */
export function sizesOf(inner: number, cut: Cut, layersOf: (inner: number) => Layer[], later?: Later): Sizes {
  const outerOf = (length: number) => length + bytesOf(layersOf(length));
  let fits = cut.mtu;
  // Padding makes the overhead a step function of the length: look, rather than subtract.
  while (fits > 0 && outerOf(fits) > cut.mtu) fits -= 1;
  const outer = outerOf(inner);
  const packets = fragments(outer, cut.mtu, cut.version);
  const version = later === undefined ? cut.version : later.version;
  return {
    ...{ inner, layers: layersOf(inner), outer, pathMtu: cut.mtu, cutBy: cut.by, packets, fits },
    later: later?.layers(packets[0]?.length ?? outer) ?? [],
    wire: later === undefined ? packets : packets.flatMap(({ length }) => wrapped(length, later)),
    ...(version === undefined ? {} : { version }),
  };
}

/**
 * The sizes of a tunnel before which the bridge cuts: each piece, with a VLAN tag where its frame has one, fits one outer
 * packet. Pieces are as large as the bridge's MTU lets them be (`br_nf_ip_fragment`), so port and bridge have the same.
 * @throws RangeError where the link holds no piece
 */
export function innerSizesOf(inner: number, cut: Cut, layersOf: (inner: number) => Layer[]): Sizes {
  const { fits, ...whole } = sizesOf(inner, cut, layersOf);
  const mtu = Math.min(fits - VLAN_TAG, inner);
  const pieces = fragments(inner, mtu);
  const packets = pieces.map(({ length }) => wholePacket(length + bytesOf(layersOf(length))));
  const [first = inner] = pieces.map(({ length }) => length);
  return {
    ...{ ...whole, layers: layersOf(first), outer: packets[0]?.length ?? whole.outer, packets, wire: packets },
    ...{ fits: mtu, inside: { mtu, pieces } },
  };
}

function wholePacket(length: number): WirePacket {
  return { length, offset: 0, moreFragments: false };
}

function wrapped(length: number, later: Later): WirePacket[] {
  const whole = length + bytesOf(later.layers(length));
  return fragments(whole, later.version === 6 ? whole : later.mtu);
}
