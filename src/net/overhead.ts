/**
 * What encapsulations put around a packet, in bytes, each with the document that says so. IPv4 without options
 * throughout, as the kernel's tunnels send it.
 */

/** One layer: bytes in front of and behind what it carries. */
interface Overhead {
  name: string;
  bytes: number;
  /** `RFC 2784 §2.1` */
  source: string;
}

/** Bytes of an IPv4 header without options. */
export const IPV4_HEADER = 20;

/** Fragments begin at multiples of this many bytes of payload (RFC 791 §3.1, Fragment Offset). */
export const FRAGMENT_UNIT = 8;

export const IPV4: Overhead = { name: 'IPv4 header', bytes: IPV4_HEADER, source: 'RFC 791 §3.1' };

/** Without a VLAN tag, and without a frame check sequence, which GRE does not carry. */
const ETHERNET: Overhead = { name: 'Ethernet header of the frame', bytes: 14, source: 'IEEE 802.3 §3.2' };

/** Bytes of an IPv6 header. */
export const IPV6_HEADER = 40;

export const IPV6: Overhead = { name: 'IPv6 header', bytes: IPV6_HEADER, source: 'RFC 8200 §3' };

/** A segment routing header with room for so many segments (RFC 8754 §2): 8 bytes, and 16 for each. */
export function segmentRouting(segments: number): Overhead {
  return {
    name: `segment routing header with ${segments} ${segments === 1 ? 'segment' : 'segments'}`,
    bytes: 8 + 16 * segments,
    source: 'RFC 8754 §2',
  };
}

const GRE: Overhead = { name: 'GRE header', bytes: 4, source: 'RFC 2784 §2.1' };

const GRE_KEY: Overhead = { name: 'GRE key', bytes: 4, source: 'RFC 2890 §2.1' };

/** What is put around a host's IP packet before the header that carries GRE, innermost first. */
export function greOverhead(keyed: boolean): Overhead[] {
  return [ETHERNET, GRE, ...(keyed ? [GRE_KEY] : [])];
}

/** Session, cookie and sublayer of a data message, and what UDP needs before them (RFC 3931 §4.1.1, §4.1.2). */
interface L2tpShape {
  encapsulation: 'ip' | 'udp';
  /** Bytes of the cookie: 0, 4 or 8. */
  cookie: number;
  sublayer: 'default' | 'none';
}

/** What L2TPv3 puts around a host's IP packet before the outer IP header, innermost first. */
export function l2tpOverhead({ encapsulation, cookie, sublayer }: L2tpShape): Overhead[] {
  return [
    ETHERNET,
    ...(sublayer === 'none' ? [] : [{ name: 'L2TPv3 sublayer', bytes: 4, source: 'RFC 3931 §4.6' }]),
    ...(cookie === 0 ? [] : [{ name: 'L2TPv3 cookie', bytes: cookie, source: 'RFC 3931 §4.1' }]),
    { name: 'L2TPv3 session', bytes: 4, source: 'RFC 3931 §4.1' },
    ...(encapsulation === 'ip'
      ? []
      : [
          { name: 'L2TPv3 flags and version, for UDP', bytes: 4, source: 'RFC 3931 §4.1.2.1' },
          { ...UDP, source: 'RFC 768' },
        ]),
  ];
}

/** What VXLAN puts around a host's IP packet before the outer IP header, innermost first. */
export function vxlanOverhead(): Overhead[] {
  return [ETHERNET, { name: 'VXLAN header', bytes: 8, source: 'RFC 7348 §5' }, { ...UDP, source: 'RFC 768' }];
}

/** Bytes of an IPv6 fragment header. */
export const IPV6_FRAGMENT_HEADER = 8;

/** Bytes of all layers together. */
export function bytesOf(layers: readonly Overhead[]): number {
  return layers.reduce((sum, { bytes }) => sum + bytes, 0);
}

export const UDP: Overhead = { name: 'UDP header', bytes: 8, source: 'RFC 768, RFC 3948 §2.1' };

/** The parts of an ESP packet that depend on its algorithms. Bytes. */
export interface EspShape {
  iv: number;
  icv: number;
  /** What padding, pad length and next header fill up to a multiple of. */
  align: number;
  ivSource: string;
  icvSource: string;
}

/** AES-GCM with an explicit IV of 8 bytes and a tag of 16; padded to 4 (RFC 4303 §2.4), as a stream cipher is. */
export const ESP_GCM: EspShape = { iv: 8, icv: 16, align: 4, ivSource: 'RFC 4106 §3.1', icvSource: 'RFC 4106 §6' };

/** AES-CBC, padded to its block, with HMAC-SHA-256-128. */
export const ESP_CBC_SHA256: EspShape = {
  iv: 16,
  icv: 16,
  align: 16,
  ivSource: 'RFC 3602 §3',
  icvSource: 'RFC 4868 §2.3',
};

/** WireGuard fills up to a multiple of this many bytes, but never beyond the MTU. */
const WIREGUARD_ALIGN = 16;

/**
 * The layers of WireGuard around a packet, up to and with the outer IPv4 header (of an IPv6 one: 20 bytes more).
 * `calculate_skb_padding` in drivers/net/wireguard/send.c: padding ends where the MTU does.
 * @param length of the packet that enters the device
 * @param mtu of the route that it takes there
 */
export function wireguardOverhead(length: number, mtu: number): Overhead[] {
  const unit = length > mtu ? length % mtu : length;
  const padding = Math.min(mtu, Math.ceil(unit / WIREGUARD_ALIGN) * WIREGUARD_ALIGN) - unit;
  return [
    { name: `WireGuard padding to ${WIREGUARD_ALIGN}, within the MTU`, bytes: padding, source: 'WireGuard §5.4.6' },
    { name: 'WireGuard header: type, receiver, counter', bytes: 16, source: 'WireGuard §5.4.6' },
    { name: 'WireGuard authentication tag', bytes: 16, source: 'RFC 8439 §2.8' },
    { name: 'UDP header', bytes: 8, source: 'RFC 768' },
    { ...IPV4, name: "WireGuard's IPv4 header" },
  ];
}

/** The two bytes behind the padding: pad length and next header. */
const ESP_TRAILER = 2;

/** The layers of ESP around a payload of this many bytes. */
export function espOverhead(payload: number, { iv, icv, align, ivSource, icvSource }: EspShape): Overhead[] {
  const padding = (align - ((payload + ESP_TRAILER) % align)) % align;
  return [
    { name: 'ESP header: SPI, sequence number', bytes: 8, source: 'RFC 4303 §2.1, §2.2' },
    { name: 'ESP initialization vector', bytes: iv, source: ivSource },
    {
      name: `ESP padding to ${align}, pad length, next header`,
      bytes: padding + ESP_TRAILER,
      source: 'RFC 4303 §2.4-2.6',
    },
    { name: 'ESP integrity check value', bytes: icv, source: icvSource },
  ];
}
