/** Figures with their units, as people read them: three digits, no more. Pure. */

/** `0`, `0.123`, `12.3`, `1230`. */
export function digits(value: number): string {
  if (value === 0) return '0';
  const size = Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(3, Math.max(0, 2 - size)));
}

/** With k or M: `392 k`. */
export function quantity(value: number): string {
  if (Math.abs(value) >= 1e6) return `${digits(value / 1e6)} M`;
  return Math.abs(value) >= 1000 ? `${digits(value / 1000)} k` : digits(value);
}

/** Of bytes: `5.21 GB`. */
export function bytes(value: number): string {
  if (value >= 1e9) return `${digits(value / 1e9)} GB`;
  return value >= 1e6 ? `${digits(value / 1e6)} MB` : `${digits(value / 1e3)} kB`;
}

/** Of bytes a second: `19.7 Gbit/s`. */
export function bitRate(bytesPerSecond: number): string {
  const bits = 8 * bytesPerSecond;
  return bits >= 1e9 ? `${digits(bits / 1e9)} Gbit/s` : `${digits(bits / 1e6)} Mbit/s`;
}

/** `850 ns`, `12.3 µs`, `4.56 ms`. */
export function nanoseconds(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${digits(value / 1e9)} s`;
  if (size >= 1e6) return `${digits(value / 1e6)} ms`;
  return size >= 1e3 ? `${digits(value / 1e3)} µs` : `${Math.round(value)} ns`;
}

/** Of a share; never 100 % of what is not all, never 0 % of what is something. */
export function percent(share: number): string {
  if (share === 0 || share === 1) return `${100 * share} %`;
  const value = 100 * share;
  if (value > 99.995) return '> 99.99 %';
  if (value < 0.005) return '< 0.01 %';
  return `${value > 99 || value < 1 ? value.toFixed(2) : value.toFixed(1)} %`;
}
