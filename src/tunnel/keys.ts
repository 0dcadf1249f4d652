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

/** What a plan needs to know and nobody may see. */
export type Secrets = Keys | Psk;

/** One set for what leaves, one for what arrives. */
export interface Keys {
  out: DirectionKeys;
  in: DirectionKeys;
}
