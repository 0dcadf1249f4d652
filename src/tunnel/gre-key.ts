/** Keys of tunnel devices as `ip` prints them. */

/** `0.0.0.10` or 10 as a number; undefined for a device without one. */
export function readGreKey(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const parts = value.split('.').map(Number);
  return parts.length === 1 ? parts[0] : parts.reduce((sum, part) => sum * 256 + part, 0);
}
