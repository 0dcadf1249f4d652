/** Bytes and their texts, without Node. */

/** Two digits a byte. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The system's own random bytes, fit for keys; at most 65536. */
export function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** Each whole number from `least` to below `end`, at most 2^32, is equally likely. */
export function randomWhole(least: number, end: number): number {
  const [word] = crypto.getRandomValues(new Uint32Array(1)) as unknown as [number];
  // Another one, where the last of the even shares is not whole.
  const range = end - least;
  return word < 2 ** 32 - (2 ** 32 % range) ? least + (word % range) : randomWhole(least, end);
}
