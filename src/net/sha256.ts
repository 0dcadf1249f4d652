/**
 * SHA-256 (FIPS 180-4) without Node: the planner runs in browsers as well, whose own `crypto.subtle` answers only
 * later. For texts of some kilobytes.
 */

/** The first `count` primes. */
function primes(count: number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n += 1) if (found.every((prime) => n % prime !== 0)) found.push(n);
  return found;
}

/** The first 32 bits of the fractional part (section 4.2.2, 5.3.3). */
const fraction = (value: number) => Math.floor((value - Math.floor(value)) * 2 ** 32) | 0;

const ROUND = Int32Array.from(primes(64), (prime) => fraction(Math.cbrt(prime)));
const START = Int32Array.from(primes(8), (prime) => fraction(Math.sqrt(prime)));

/** The digest of a text's UTF-8 bytes as hexadecimal digits. */
export function sha256(text: string): string {
  const state = START.slice();
  const padded = pad(new TextEncoder().encode(text));
  for (let at = 0; at < padded.byteLength; at += 64) compress(state, new DataView(padded.buffer, at, 64));
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

/** A 1, zeros, and the length in bits: a whole number of blocks of 64 bytes (section 5.1.1). */
function pad(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  return padded;
}

const rotated = (word: number, by: number) => (word >>> by) | (word << (32 - by));

/** Section 6.2.2; the names are those of the standard. */
function compress(state: Int32Array, block: DataView): void {
  const W = new Int32Array(64);
  const w = (t: number) => W[t] as number;
  for (let t = 0; t < 16; t += 1) W[t] = block.getInt32(4 * t);
  for (let t = 16; t < 64; t += 1) {
    const s0 = rotated(w(t - 15), 7) ^ rotated(w(t - 15), 18) ^ (w(t - 15) >>> 3);
    const s1 = rotated(w(t - 2), 17) ^ rotated(w(t - 2), 19) ^ (w(t - 2) >>> 10);
    W[t] = (s1 + w(t - 7) + s0 + w(t - 16)) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t += 1) {
    const S1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const T1 = (h + S1 + ((e & f) ^ (~e & g)) + (ROUND[t] as number) + w(t)) | 0;
    const S0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const T2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + T1) | 0, c, b, a, (T1 + T2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = ((state[i] as number) + word) | 0));
}
