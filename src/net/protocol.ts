/** IP protocol numbers (IANA "Protocol Numbers") and ports that the rules know by name. */

export const PROTOCOL_NUMBERS = { tcp: 6, udp: 17, gre: 47, esp: 50 } as const;
export type ProtocolName = keyof typeof PROTOCOL_NUMBERS;

/** QUIC over HTTP/3 (RFC 9114 §3.1); its path probes rely on DF (RFC 9000 §14). */
export const QUIC_PORT = 443;

/** Bytes of the smallest MTU that an IPv4 link may have (RFC 791 §3.2). */
export const IPV4_MTU_MIN = 68;

/** Bytes of the longest IPv4 packet: `total length` has 16 bits. */
export const IPV4_LENGTH_MAX = 65_535;

/** The highest UDP port and the highest queue number: both have 16 bits. */
export const UINT16_MAX = 65_535;
