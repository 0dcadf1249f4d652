/** Numbers with units, as people read them. */
import { protocolName } from '../net/protocol.js';

const SI = ['', 'k', 'M', 'G', 'T'] as const;
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `12,345,678`; not by Intl, which takes a tenth of the time in which a command starts. */
export function count(value: number): string {
  return value.toFixed(0).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** Three digits that matter: `0.04`, `9.81`, `98.1`, `981`. */
function threeDigits(value: number): string {
  const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return value.toFixed(digits).replace(/\.0+$/, '');
}

/** The value in steps of `base`, below `base` after rounding to three digits. */
function scale(value: number, base: number, steps: number): { value: number; step: number } {
  let step = 0;
  while (value >= base - 0.5 && step < steps - 1) {
    value /= base;
    step++;
  }
  return { value, step };
}

/** `14.2 GiB` */
export function bytes(value: number): string {
  const scaled = scale(value, 1024, BINARY.length);
  return `${threeDigits(scaled.value)} ${BINARY[scaled.step]}`;
}

/** In three digits: `81.2 k`, `0` */
export function short(value: number): string {
  if (value > 0 && value < 0.01) return '<0.01';
  const scaled = scale(value, 1000, SI.length);
  const prefix = SI[scaled.step];
  return `${threeDigits(scaled.value)}${prefix === '' ? '' : ` ${prefix}`}`;
}

/** Per second: `81.2 k/s`, `0/s` */
export function perSecond(value: number): string {
  return `${short(value)}/s`;
}

/** Bits per second from bytes per second: `937 Mbit/s` */
export function bitRate(bytesPerSecond: number): string {
  const scaled = scale(bytesPerSecond * 8, 1000, SI.length);
  return `${threeDigits(scaled.value)} ${SI[scaled.step]}bit/s`;
}

/** A share (0–1) in percent: `99.6 %`; `<0.01 %` for what is little but not nothing, `>99.99 %` for nearly all. */
export function percent(share: number): string {
  if (share > 0 && share < 0.0001) return '<0.01 %';
  if (share < 1 && share > 0.9999) return '>99.99 %';
  return `${threeDigits(share * 100)} %`;
}

/** `2.13 s`, `4 min 10 s`, `3 h 5 min`, `12 d 4 h` */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${threeDigits(seconds)} s`;
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ] as const;
  let rest = Math.round(seconds);
  const first = units.findIndex(([, size]) => rest >= size);
  return units
    .slice(first, first + 2)
    .map(([unit, size]) => {
      const whole = Math.floor(rest / size);
      rest -= whole * size;
      return `${count(whole)} ${unit}`;
    })
    .filter((part, i) => i === 0 || !part.startsWith('0 '))
    .join(' ');
}

/** An IP protocol by its number: `GRE`, `protocol 99` */
export function protocolText(protocol: number): string {
  return protocolName(protocol)?.toUpperCase() ?? `protocol ${protocol}`;
}
