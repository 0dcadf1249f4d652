/** The tiers of tests, in the order in which they run. */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

export interface Tier {
  name: string;
  what: string;
  root: boolean;
  /** The whole tier is stopped and counted as failed after this many minutes of a quiet machine. */
  minutes: number;
  /** Of vitest; default: one of the tier's name. */
  projects?: readonly string[];
  /** Test files that run side by side at most; default: as many as there are cores. */
  workers?: number;
  /** A script that prepares what it needs while the tier before it runs; what fails there the tier does itself. */
  ahead?: string;
  /** Its tests fetch packages from npm's registry. */
  registry?: boolean;
  /** It keeps one core busy, mostly: such tiers run side by side. */
  onOneCore?: boolean;
}

/**
 * Guests side by side. On two cores that are threads of one, two guests take longer than one after the other: 290 s for
 * what takes 244.
 */
export const GUESTS = Math.max(1, Math.floor(availableParallelism() / 3));

export const TIERS: readonly Tier[] = [
  { name: 'check', what: 'types, layers, linters, formatters', root: false, minutes: 5 },
  { name: 'unit', what: 'pure TypeScript', root: false, minutes: 5, projects: ['unit', 'unit-mocking'] },
  { name: 'addon', what: 'N-API boundary', root: true, minutes: 6 },
  {
    name: 'netns',
    what: 'real packets in network namespaces',
    root: true,
    minutes: 20,
    projects: ['netns', 'netns-alone'],
  },
  {
    name: 'lab',
    what: 'stories on stock kernels, emulated',
    root: false,
    minutes: 25,
    workers: GUESTS,
    ahead: 'scripts/lab/ahead.ts',
  },
  { name: 'native', what: 'C core under AddressSanitizer and UBSan', root: false, minutes: 8, onOneCore: true },
  {
    name: 'oracle',
    what: 'packet rules against scapy, tshark and a second implementation',
    root: false,
    minutes: 8,
    onOneCore: true,
  },
  { name: 'examples', what: 'examples/ as shipped', root: true, minutes: 8, onOneCore: true, registry: true },
  {
    name: 'pack',
    what: 'the packed tarball in an empty folder',
    root: true,
    minutes: 8,
    onOneCore: true,
    registry: true,
  },
  { name: 'fuzz', what: 'a smoke run of the fuzz targets', root: false, minutes: 5 },
];

/** The tiers in their order; neighbours that keep one core busy each are one group. */
export function inGroups(tiers: readonly Tier[]): Tier[][] {
  const groups: Tier[][] = [];
  for (const tier of tiers) {
    const before = groups.at(-1);
    if (before?.[0]?.onOneCore === true && tier.onOneCore === true) before.push(tier);
    else groups.push([tier]);
  }
  return groups;
}

/** Names of the fuzz targets: `test/fuzz/fuzz_*.c` without `.c`. */
export function fuzzTargets(): string[] {
  return readdirSync('test/fuzz')
    .filter((file) => /^fuzz_\w+\.c$/.test(file))
    .map((file) => file.slice(0, -2))
    .sort();
}

/** The files of a tier that `npm test` leaves out. */
export function filesOfRest({ name }: Tier): string[] {
  const folder = `test/${name}`;
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.more.ts'));
  return files.sort().map((file) => path.join(folder, file));
}
