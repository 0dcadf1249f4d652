/** IP protocol numbers (IANA "Protocol Numbers") and ports that the rules know by name. */

export const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, gre: 47, esp: 50, l2tp: 115 } as const;

/** As a person reads them; the kernel's tools know the same names. */
const NAMES: Readonly<Record<string, string>> = {
  ...{ 1: 'icmp', 2: 'igmp', 4: 'ipip', 6: 'tcp', 17: 'udp', 41: 'ipv6', 47: 'gre', 50: 'esp', 51: 'ah', 132: 'sctp' },
};

/** The name of a protocol by its number; undefined for one without a name here. */
export function protocolName(number: string | number): string | undefined {
  return NAMES[number];
}

/** QUIC over HTTP/3 (RFC 9114 §3.1); its path probes rely on DF (RFC 9000 §14). */
export const QUIC_PORT = 443;

/** Bytes of the smallest MTU that an IPv4 link may have (RFC 791 §3.2). */
export const IPV4_MTU_MIN = 68;

/** Bytes of the smallest MTU that an IPv6 link may have (RFC 8200 §5). */
export const IPV6_MTU_MIN = 1280;

/** Bytes of the longest IPv4 packet: `total length` has 16 bits. */
export const IPV4_LENGTH_MAX = 65_535;

/** The highest UDP port and the highest queue number: both have 16 bits. */
export const UINT16_MAX = 65_535;
