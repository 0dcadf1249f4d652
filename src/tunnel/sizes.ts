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
  /** The outer IP packet, whole. */
  outer: number;
  pathMtu: number;
  /** What leaves by the underlay for one inner packet of full size. */
  wire: WirePacket[];
  /** The largest inner IP packet that needs no fragments. */
  fits: number;
}
