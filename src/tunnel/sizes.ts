/** The arithmetic of a tunnel: from the host's packet to every fragment on the wire. Bytes throughout. */

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
}

/** Where the outer packet is cut. */
export interface Cut {
  by: string;
  /** Bytes. */
  mtu: number;
}

/** What is put around each packet after the cut, outermost last. */
export interface Later {
  layers(length: number): Layer[];
  /** Of the underlay; what is larger is cut once more, unless it is IPv6. */
  mtu: number;
  /** Of the outermost header; IPv4 where it is not said. No router cuts IPv6 (RFC 8200 §4.5). */
  version?: 6;
}
