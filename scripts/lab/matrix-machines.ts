/** What was shown on other machines than those of the lab's tables: rows of the support matrix. */
import type { Shown } from './matrix.js';

const ARCHITECTURES = '`test/pack/architectures.more.ts`';
const NATIVE = '`test/native/architectures.more.ts`';
const BINARY = 'the tarball without install scripts: `--version`, `pcap`, both addons load and apply the rules';

const ROWS: readonly Shown[] = [
  { machine: 'x86-64, glibc 2.31 (Debian 11)', what: BINARY, by: ARCHITECTURES, date: '2026-11-29' },
  { machine: 'arm64, glibc 2.36 and 2.31, emulated', what: BINARY, by: ARCHITECTURES, date: '2026-11-29' },
  {
    machine: 's390x (big-endian), glibc 2.41, emulated',
    what: 'the tarball, with addons that were built for it: `--version`, `pcap`, both addons load and apply the rules',
    by: ARCHITECTURES,
    date: '2026-11-29',
  },
  {
    machine: 's390x (big-endian) and arm64, emulated',
    what: 'the native tier, without sanitizers; the fast path’s program of that byte order makes of 20,000 frames what the queue makes',
    by: NATIVE,
    date: '2026-11-29',
  },
  {
    machine: 'x86-64, musl 1.2.3',
    what: 'the native tier by musl-gcc, with Debian’s own libmnl and libnetfilter_queue; no addon: Debian has neither libstdc++ nor Node for musl',
    by: NATIVE,
    date: '2026-11-29',
  },
  {
    machine: 'musl (as Alpine and OpenWrt say it)',
    what: 'no binary: one sentence with the packages that building takes, exit 4',
    by: ARCHITECTURES,
    date: '2026-11-29',
  },
  {
    machine: 'x86-64; Node.js 20, 22, 24 and 26.12.1',
    what: 'the tarball: `--help`, ten lives of the addon over four queues, 20 packets cleared by the library',
    by: '`test/pack/node-versions.more.ts`',
    date: '2026-11-29',
  },
];

/** The section of the page: what the lab saw, then the rest. */
export function machinesText(seen: readonly Shown[]): string {
  const rows = [...seen, ...ROWS].map(({ machine, what, by, date }) => `| ${machine} | ${what} | ${by} | ${date} |`);
  const head = '| machine | shown | by | on |\n| --- | --- | --- | --- |';
  const words =
    'Everything above is x86-64 with glibc. What was shown elsewhere; with a kernel of that machine where one is named:';
  return `## Machines\n\n${words}\n\n${head}\n${rows.join('\n')}\n`;
}
