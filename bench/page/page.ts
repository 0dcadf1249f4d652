/** The generated part of docs/bench.md. Pure. */
import { type ContenderName, CONTENDERS, type Load, LOADS } from '../record/catalogue.js';
import {
  bytesPerCpuSecond,
  bytesPerSecond,
  cpuPerPacket,
  machinePerPacket,
  packetsPerCpuSecond,
  packetsPerSecond,
} from '../record/measures.js';
import type { Results } from '../record/results.js';
import { bestAcross, type Measure, ratioAcross } from '../record/statistics.js';
import { type Chart, charts } from './charts.js';
import { machineText } from './machine.js';
import { between } from './marks.js';
import { endings } from './rows.js';
import { datagramColumns, latencyColumns, streamColumns, table } from './table.js';
import { digits } from './units.js';

/** The page with its figures replaced. @throws Error when the page has no place for them */
export function placed(page: string, newest: { file: string; results: Results } | undefined): string {
  return between(page, 'docs/bench.md', figures(newest));
}

function figures(newest: { file: string; results: Results } | undefined): string {
  if (newest === undefined) return 'No complete run is recorded in `bench/results` yet.';
  const { file, results } = newest;
  const drawn = charts(results);
  const sections = LOADS.map((load) => section(results, load)).filter((part) => part !== '');
  return [
    about(file, results),
    '## At a look',
    glance(results),
    ...drawn.map(picture),
    '## Contenders',
    CONTENDERS.map(({ title, what }) => `- **${title}**: ${what}`).join('\n'),
    ...sections,
  ].join('\n\n');
}

function picture({ name, title }: Chart): string {
  return `![${title}](bench/${name})`;
}

function about(file: string, { date, commit, machine, settings }: Results): string {
  const { rounds, seconds, cores } = settings;
  return `Measured on ${date.slice(0, 10)} at commit \`${commit}\`: ${machineText(machine)}. ${rounds} rounds, ${seconds} s each; sender on core ${cores.sender}, contender on ${cores.contender.join(', ')}, receiver of TCP on ${cores.receiver}. Every figure is the median of the rounds, with the least and the greatest behind it. All that was measured: [${file}](../${file}).`;
}

interface Comparison {
  load: string;
  /** Of clear-df unless something else is said. */
  contender?: ContenderName;
  other: ContenderName;
  /** The load that the other is looked at under, where it is not the same. */
  otherLoad?: string;
  measure: Measure;
  /** Of which less is better. */
  less?: true;
  words: string;
}

/** Of a contender that has no process there is what passes in a second, and what all cores spend for it. */
const fastPath = (load: string, measure: Measure, words: string): Comparison => ({
  ...{ load, contender: 'fast-path', other: 'none', measure, words: `${words} without a rule, by the fast path` },
  ...(measure === machinePerPacket ? { less: true } : {}),
});

const COMPARISONS: readonly Comparison[] = [
  ...['udp-64', 'udp-200', 'udp-1400'].flatMap((load) => [
    fastPath(load, packetsPerSecond, 'packets a second'),
    fastPath(load, machinePerPacket, 'time of all cores per packet'),
  ]),
  fastPath('mix-90', machinePerPacket, 'time of all cores per packet'),
  ...['tcp-bulk', 'tcp-many'].map((load) => fastPath(load, bytesPerSecond, 'throughput')),
  {
    ...{ load: 'tcp-unnumbered', contender: 'fast-path-queue', other: 'none', measure: bytesPerSecond },
    words: 'throughput without a rule, by fast path and queue',
  },
  ...['udp-64', 'udp-200', 'udp-1400'].flatMap((load): Comparison[] => [
    { load, other: 'null', measure: packetsPerCpuSecond, words: 'packets per CPU-second of the null verdict' },
    { load, other: 'echo', measure: packetsPerCpuSecond, words: 'packets per CPU-second of echo' },
    { load, other: 'article', measure: packetsPerCpuSecond, words: "packets per CPU-second of the article's way" },
    { load, other: 'npm-nfqueue', measure: packetsPerCpuSecond, words: 'packets per CPU-second of npm nfqueue' },
  ]),
  {
    load: 'tcp-bulk',
    other: 'article',
    measure: bytesPerCpuSecond,
    words: "bytes per CPU-second of the article's way",
  },
  { load: 'tcp-bulk', other: 'none', measure: bytesPerSecond, words: 'throughput without a rule' },
  {
    load: 'pace-50',
    other: 'clear-df',
    otherLoad: 'udp-1400',
    measure: cpuPerPacket,
    less: true,
    words: 'processor time per packet of the same under full load',
  },
  {
    load: 'mix-90',
    other: 'prefilter',
    measure: machinePerPacket,
    less: true,
    words: 'time of all cores per packet of the prefilter alone',
  },
  {
    load: 'flows-16',
    contender: 'clear-df-2',
    other: 'clear-df',
    measure: packetsPerSecond,
    words: 'packets a second of one queue, with two (on as many cores as the contender had)',
  },
];

/** clear-df beside the others, in factors. */
function glance(results: Results): string {
  const lines = COMPARISONS.flatMap(
    ({ load, contender = 'clear-df', other, otherLoad = load, measure, less = false, words }) => {
      const spread = ratioAcross(results, [load, contender], [otherLoad, other], measure);
      const best = bestAcross(results, [load, contender], [otherLoad, other], { measure, less });
      if (spread === undefined || best === undefined) return [];
      const title = LOADS.find(({ name }) => name === load)?.title ?? load;
      const [median, min, max, bests] = [spread.median, spread.min, spread.max, best].map(digits);
      return [`| ${title} | ${median} × | ${words} | ${min} – ${max} | ${bests} × |`];
    },
  );
  return ['| load | clear-df has | | rounds | best rounds |', '| --- | ---: | --- | --- | ---: |', ...lines].join('\n');
}

function section(results: Results, load: Load): string {
  const columns =
    load.kind === 'stream'
      ? streamColumns(load.name)
      : load.latency === undefined
        ? datagramColumns(load.name)
        : latencyColumns();
  const rows = table(results, load.name, columns);
  if (rows === '') return '';
  return [`## ${load.title}`, rows, ...endings(results, load.name)].join('\n\n');
}
