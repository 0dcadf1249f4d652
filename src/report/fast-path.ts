/** The fast path in the statistics: a table place by place, and its metrics. */
import { stripVTControlCharacters } from 'node:util';
import {
  FAST_COUNTERS,
  FAST_DETAILS,
  FAST_RESULT_NAMES,
  type FastCounter,
  type FastCounters,
} from '../fast-path/counters.js';
import { snakeCase } from '../counters.js';
import type { FastStats } from '../fast-path/fast-path.js';
import { count } from './human.js';
import { type Cell, columns } from './table.js';

/** Labels of what is shown even where it is 0, then of what is shown where it is not. */
const ALWAYS: readonly [keyof FastCounters, string][] = [
  ['packets', 'packets'],
  ['cleared', 'DF cleared'],
  ['alreadyClear', 'DF already clear'],
];
const WHERE_ANY: readonly [FastCounter, string][] = [
  ['fits', 'fits'],
  ['leftForQueue', 'left for the queue'],
  ['notMatched', 'not matched'],
  ['leftQuic', 'UDP port 443'],
  ['notIpv4', 'not IPv4'],
  ['malformed', 'malformed'],
  ['badChecksum', 'bad checksum'],
  ['ahPassed', 'AH'],
  ['failed', 'failed'],
  ['fragments', 'fragments'],
  ['gso', 'GSO'],
  ['identifications', 'identifications'],
  ['longRuns', 'long runs'],
];

/** The table alone, without colour. */
export function fastPathText(places: readonly FastStats[]): string {
  return stripVTControlCharacters(columns(fastPathTable(places)));
}

/** One column per place; the rows that say something. Empty without any place. */
export function fastPathTable(places: readonly FastStats[]): Cell[][] {
  if (places.length === 0) return [];
  const any = (name: FastCounter) => places.some(({ counters }) => counters[name] > 0);
  const head = ['fast path', ...places.map(({ device, direction }) => `${direction} of ${device}`)];
  const rows = [...ALWAYS, ...WHERE_ANY.filter(([name]) => any(name))];
  return [
    head.map((text, i) => ({ text, style: i === 0 ? 'bold' : 'dim' })),
    ...rows.map(([name, label]) => [
      { text: `  ${label}` },
      ...places.map(({ counters }) => ({
        text: count(counters[name]),
        style: name === 'failed' && counters[name] > 0 ? ('red' as const) : undefined,
      })),
    ]),
  ];
}

type Labels = Record<string, string>;

/** One metric: its name, its help, and a value for each set of labels. */
interface FastMetric {
  name: string;
  help: string;
  labels: string[];
  samples: (places: readonly FastStats[]) => { labels: Labels; value: number }[];
}

const PLACE = ['device', 'direction'];

/** The metrics of the fast path; each packet that a program saw is in exactly one `result`. */
export const FAST_METRICS: readonly FastMetric[] = [
  {
    name: 'clear_df_fast_path_packets_total',
    help: 'Packets that the fast path saw, by what became of them.',
    labels: [...PLACE, 'result'],
    samples: (places) =>
      places.flatMap(({ device, direction, counters }) =>
        FAST_RESULT_NAMES.map((name) => ({
          labels: { device, direction, result: snakeCase(name) },
          value: counters[name],
        })),
      ),
  },
  ...(Object.keys(FAST_DETAILS) as (keyof typeof FAST_DETAILS)[]).map((name) => ({
    name: `clear_df_fast_path_${snakeCase(name)}_total`,
    help: FAST_COUNTERS[name],
    labels: PLACE,
    samples: (places: readonly FastStats[]) =>
      places.map(({ device, direction, counters }) => ({ labels: { device, direction }, value: counters[name] })),
  })),
];
