/** Markdown tables of a load: a row for each contender, a column for each figure. Pure. */
import {
  addedLatency,
  busyShare,
  bytesPerCpuSecond,
  bytesPerSecond,
  clearedShare,
  cpuPerPacket,
  lostShare,
  machinePerKibibyte,
  machinePerPacket,
  memory,
  memoryPeak,
  packetsPerCpuSecond,
  packetsPerSecond,
} from '../record/measures.js';
import type { Results } from '../record/results.js';
import { type Measure, ratio, type Spread } from '../record/statistics.js';
import { figure, type Row, rowsOf } from './rows.js';
import { bitRate, bytes, digits, nanoseconds, percent, quantity } from './units.js';

interface Column {
  title: string;
  text: (row: Row, results: Results) => string;
}

function spreadText({ median, min, max }: Spread, words: (value: number) => string): string {
  const [middle, least, most] = [median, min, max].map(words) as [string, string, string];
  return least === most ? middle : `${middle} (${least} – ${most})`;
}

function column(title: string, measure: Measure, words: (value: number) => string): Column {
  return {
    title,
    text: (row) => {
      const spread = figure(row, measure);
      return spread === undefined ? '' : spreadText(spread, words);
    },
  };
}

/** Beside another contender, round by round. */
function beside(title: string, load: string, other: string, measure: Measure): Column {
  return {
    title,
    text: ({ contender, ended }, results) => {
      const spread = ended || contender === other ? undefined : ratio(results, load, [contender, other], measure);
      return spread === undefined ? '' : `${digits(spread.median)} ×`;
    },
  };
}

const mebibytes = (value: number): string => `${digits(value)} MiB`;

/** Columns of the datagram loads. */
export function datagramColumns(load: string): Column[] {
  return [
    column('packets / CPU-s', packetsPerCpuSecond, quantity),
    beside('of the null verdict', load, 'null', packetsPerCpuSecond),
    column('packets / s', packetsPerSecond, quantity),
    column('cleared', clearedShare, percent),
    column('lost', lostShare, percent),
    column('busy', busyShare, percent),
    column('all cores / packet', machinePerPacket, nanoseconds),
    column('memory, at most', memoryPeak, mebibytes),
    column('at the end', memory, mebibytes),
  ];
}

/** Columns of the loads at a pace. */
export function latencyColumns(): Column[] {
  return [
    column('packets / s', packetsPerSecond, quantity),
    column('adds, median', addedLatency('median'), nanoseconds),
    column('99 %', addedLatency('p99'), nanoseconds),
    column('99.9 %', addedLatency('p999'), nanoseconds),
    column('CPU / packet', cpuPerPacket, nanoseconds),
    column('busy', busyShare, percent),
    column('cleared', clearedShare, percent),
    column('lost', lostShare, percent),
    column('disorder', ({ latency }) => latency?.disorder, quantity),
  ];
}

/** Columns of the TCP loads. */
export function streamColumns(load: string): Column[] {
  return [
    column('throughput', bytesPerSecond, bitRate),
    beside('of no rule', load, 'none', bytesPerSecond),
    column('bytes / CPU-s', bytesPerCpuSecond, bytes),
    beside("of the article's", load, 'article', bytesPerCpuSecond),
    column('all cores / KiB', machinePerKibibyte, nanoseconds),
    column('retransmits', ({ stream }) => stream?.retransmits, quantity),
  ];
}

/** The table; empty when nobody has a figure. */
export function table(results: Results, load: string, columns: readonly Column[]): string {
  const rows = rowsOf(results, load).map((row) => [
    row.label.replace('*', '\\*'),
    ...columns.map(({ text }) => text(row, results)),
  ]);
  if (rows.length === 0) return '';
  // A column that says nothing about anybody is not shown.
  const used = columns.map((_, i) => rows.some((cells) => cells[i + 1] !== ''));
  const shown = (cells: readonly string[]): string[] => cells.filter((_, i) => i === 0 || used[i - 1]);
  return markdownTable(shown(['', ...columns.map(({ title }) => title)]), rows.map(shown));
}

/** The first column flush left, the others flush right. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `| --- |${' ---: |'.repeat(head.length - 1)}`, ...rows.map(line)].join('\n');
}
