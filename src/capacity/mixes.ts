/** What links carry, as models have it. Pure. */
import { meanLength, type Mix, only } from './cost.js';

export interface NamedMix {
  name: string;
  mix: Mix;
}

/** RFC 6985 names the genome; 7:4:1 of 64, 570 and 1500 bytes is the one that most vendors test with. */
export const IMIX: Mix = [
  { length: 64, share: 7 / 12 },
  { length: 570, share: 4 / 12 },
  { length: 1500, share: 1 / 12 },
];

export const MIXES: readonly NamedMix[] = [
  { name: '1500 bytes', mix: only(1500) },
  { name: 'IMIX', mix: IMIX },
  { name: '64 bytes', mix: only(64) },
];

/** Bytes of an Ethernet link around each IP packet: preamble 8, header 14, check 4, gap 12. */
export const LINK_BYTES = 38;

/** Packets a second that fill a link of so many Gbit/s. */
export function fills(gbps: number, mix: Mix): number {
  return (gbps * 1e9) / 8 / (meanLength(mix) + LINK_BYTES);
}
