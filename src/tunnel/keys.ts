/** Static keys of an ESP carrier, as they come from a key file; never shown, logged or put on a command line. */

export interface DirectionKeys {
  /** RFC 4303 §2.1; 1 to 255 are reserved. */
  spi: number;
  /** Hexadecimal, with or without `0x`. For AES-GCM the key and behind it 4 bytes of salt (RFC 4106 §8.1). */
  encryption: string;
  /** Hexadecimal; for HMAC only. */
  authentication?: string | undefined;
}

/** A secret that both ends share (RFC 7296 §2.15). */
interface Psk {
  /** Hexadecimal digits without `0x`. */
  psk: string;
}

/** Of an L2TPv3 session (RFC 3931 §4.1): what every packet that leaves holds, and every one that arrives has to. */
export interface Cookies {
  /** Hexadecimal digits without `0x`. */
  out: string;
  in: string;
}

/** What a plan needs to know and nobody may see. */
export type Secrets = Keys | Psk | { cookies: Cookies };

/** One set for what leaves, one for what arrives. */
export interface Keys {
  out: DirectionKeys;
  in: DirectionKeys;
}
