/** The tiers of tests, in the order in which they run. */
import { readdirSync } from 'node:fs';

export interface Tier {
  name: string;
  what: string;
  root: boolean;
  /** The whole tier is killed and counted as failed after this many minutes. */
  minutes: number;
  /** Test files that run side by side at most; default: as many as there are cores. */
  workers?: number;
}

/** Guests side by side: each has a gigabyte and a half of memory. */
export const GUESTS = 2;

export const TIERS: readonly Tier[] = [
  { name: 'check', what: 'types, layers, linters, formatters', root: false, minutes: 5 },
  { name: 'unit', what: 'pure TypeScript', root: false, minutes: 5 },
  { name: 'native', what: 'C core under AddressSanitizer and UBSan', root: false, minutes: 8 },
  { name: 'addon', what: 'N-API boundary', root: true, minutes: 6 },
  { name: 'oracle', what: 'packet rules against scapy, tshark and a second implementation', root: false, minutes: 8 },
  { name: 'netns', what: 'real packets in network namespaces', root: true, minutes: 20 },
  { name: 'lab', what: 'stories on stock kernels, emulated', root: false, minutes: 30, workers: GUESTS },
  { name: 'examples', what: 'examples/ as shipped', root: true, minutes: 3 },
  { name: 'pack', what: 'the packed tarball in an empty folder', root: true, minutes: 8 },
  { name: 'fuzz', what: 'a smoke run of the fuzz targets', root: false, minutes: 5 },
];

/** Names of the fuzz targets: `test/fuzz/fuzz_*.c` without `.c`. */
export function fuzzTargets(): string[] {
  return readdirSync('test/fuzz')
    .filter((file) => /^fuzz_\w+\.c$/.test(file))
    .map((file) => file.slice(0, -2))
    .sort();
}
