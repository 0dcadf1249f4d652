/** The charts of the page, each with the name of its file. Pure. */
import {
  addedLatency,
  bytesPerCpuSecond,
  bytesPerSecond,
  machinePerPacket,
  packetsPerCpuSecond,
  packetsPerSecond,
} from '../record/measures.js';
import { LOADS } from '../record/catalogue.js';
import type { Results } from '../record/results.js';
import type { Measure } from '../record/statistics.js';
import { barChart, type Panel } from './bars.js';
import { delayChart, type DelayPanel } from './delays.js';
import { figure, rowsOf } from './rows.js';
import { inkOf } from './svg.js';
import { bitRate, bytes, nanoseconds, quantity } from './units.js';

export interface Chart {
  name: string;
  title: string;
  svg: string;
}

const SPREAD_NOTE = 'Medians; the thin line goes from the least to the greatest round.';
const STARS = '* At the highest load that it survives.';

function titleOf(load: string): string {
  return LOADS.find(({ name }) => name === load)?.title ?? load;
}

function panel(results: Results, load: string, measure: Measure, words: (value: number) => string, more = ''): Panel[] {
  const bars = rowsOf(results, load).flatMap((row) => {
    const spread = figure(row, measure);
    if (spread === undefined || row.ended) return [];
    return [{ label: row.label, ink: inkOf(row.contender), spread, figure: words(spread.median) }];
  });
  return bars.length === 0 ? [] : [{ title: `${titleOf(load)}${more}`, bars }];
}

function delays(results: Results, load: string): DelayPanel[] {
  const rows = rowsOf(results, load).flatMap((row) => {
    const [median, p99, p999] = (['median', 'p99', 'p999'] as const).map((at) => figure(row, addedLatency(at))?.median);
    if (row.contender === 'none' || median === undefined || p99 === undefined || p999 === undefined) return [];
    return [{ label: row.label, ink: inkOf(row.contender), median, p99, p999 }];
  });
  return rows.length === 0 ? [] : [{ title: titleOf(load), rows }];
}

/** All of them; one without figures is left out. */
export function charts(results: Results): Chart[] {
  const found: Chart[] = [];
  const addBars = (name: string, title: string, note: string, panels: readonly Panel[]): void => {
    if (panels.length > 0) found.push({ name, title, svg: barChart(title, note, panels) });
  };
  addBars(
    'cpu.svg',
    'Packets per second of processor time',
    `More is better. ${SPREAD_NOTE} ${STARS}`,
    ['udp-64', 'udp-200', 'udp-1400'].flatMap((load) => panel(results, load, packetsPerCpuSecond, quantity)),
  );
  addBars(
    'kernel.svg',
    'In the kernel, in the queue, in neither',
    `Time of all cores for each packet; less is better. ${SPREAD_NOTE} ${STARS}`,
    ['udp-64', 'udp-200', 'udp-1400'].flatMap((load) => panel(results, load, machinePerPacket, nanoseconds)),
  );
  const panels = ['pace-1', 'pace-50', 'pace-full'].flatMap((load) => delays(results, load));
  if (panels.length > 0) {
    const title = 'Latency that is added';
    const note = 'Less is better. Circle: median; block: 99th percentile; end of the line: 99.9th. Logarithmic.';
    found.push({ name: 'latency.svg', title, svg: delayChart(title, note, panels) });
  }
  addBars('tcp.svg', 'TCP through a router', `More is better. ${SPREAD_NOTE}`, [
    ...panel(results, 'tcp-bulk', bytesPerCpuSecond, bytes, ': bytes per second of processor time'),
    ...panel(results, 'tcp-bulk', bytesPerSecond, bitRate, ': throughput'),
    ...panel(results, 'tcp-many', bytesPerSecond, bitRate, ': throughput'),
    ...panel(results, 'tcp-unnumbered', bytesPerSecond, bitRate, ': throughput'),
  ]);
  addBars(
    'mix.svg',
    'Mostly packets that need no work',
    `Time of all cores for each packet; less is better. ${SPREAD_NOTE}`,
    panel(results, 'mix-90', machinePerPacket, nanoseconds),
  );
  addBars(
    'queues.svg',
    'More queues',
    `More is better. ${SPREAD_NOTE}`,
    panel(results, 'flows-16', packetsPerSecond, (value) => `${quantity(value)}/s`),
  );
  return found;
}
