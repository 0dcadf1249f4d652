/**
 * Security associations compared without their keys: two have the same algorithms and keys when their digests are
 * equal. The digest is made on the spot from what `ip xfrm state` prints, or from the key file, and the keys go.
 */
import { sha256 } from '../net/sha256.js';

/** One algorithm, as `ip xfrm state` prints it: `aead rfc4106(gcm(aes)) 0x… 128`. */
export interface Algorithm {
  kind: 'aead' | 'enc' | 'auth' | 'auth-trunc' | 'comp';
  /** In the kernel's words: `rfc4106(gcm(aes))`. */
  name: string;
  /** Hexadecimal, with or without `0x`, of either case; empty for comp. */
  key: string;
  /** Bits of the integrity check value; aead and auth-trunc have one. */
  icvBits?: number | undefined;
}

/** {@link XfrmState.digest}: SHA-256, hexadecimal, independent of the order of the algorithms. */
export function algorithmsDigest(algorithms: readonly Algorithm[]): string {
  const lines = algorithms.map(({ kind, name, key, icvBits }) =>
    [kind, name, key.toLowerCase().replace(/^0x/, ''), icvBits ?? ''].join(' '),
  );
  return sha256(lines.sort().join('\n'));
}
