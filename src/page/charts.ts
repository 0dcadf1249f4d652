/** The graphs of the last hour. */
import uPlot from 'uplot';
import type { HistoryColumns } from '../report/history.js';
import { bitRate, duration, percent, perSecond, short } from '../report/human.js';
import type { SeriesName } from '../report/series.js';
import { element } from './element.js';

interface Chart {
  title: string;
  words: (value: number) => string;
  lines: readonly (readonly [series: SeriesName, label: string])[];
}

const CHARTS: readonly Chart[] = [
  {
    title: 'Packets',
    words: perSecond,
    lines: [
      ['packets', 'to the queues'],
      ['fastPackets', 'seen by the fast path'],
    ],
  },
  {
    title: 'DF cleared',
    words: perSecond,
    lines: [
      ['cleared', 'by the queues'],
      ['fastCleared', 'by the fast path'],
    ],
  },
  { title: 'Traffic of the queues', words: bitRate, lines: [['bytes', '']] },
  {
    title: 'Losses',
    words: perSecond,
    lines: [
      ['leaked', 'leaked'],
      ['overrun', 'overrun'],
    ],
  },
  { title: 'Packets waiting for a verdict', words: short, lines: [['waiting', '']] },
  { title: 'CPU, of one core', words: percent, lines: [['cpu', '']] },
  { title: 'Packets in a batch', words: (value) => value.toFixed(1), lines: [['batch', '']] },
  { title: 'Identifications wrap in', words: duration, lines: [['wrap', '']] },
];

/** Their colours, and dashes for who cannot tell those apart; the style sheet has the same. */
const NAMES = ['one', 'two', 'three'];
const DASHES = [[], [6, 4], [2, 3]];
const HEIGHT = 170;

/** Shows what it is given. */
type Draw = (history: HistoryColumns) => void;

/** Puts the graphs into `parent`. */
export function charts(parent: HTMLElement): Draw {
  const draws = CHARTS.map((chart) => figure(parent, chart));
  return (history) => draws.forEach((draw) => draw(history));
}

function figure(parent: HTMLElement, { title, words, lines }: Chart): Draw {
  const caption = element('figcaption', title);
  const values = lines.map(([, label], i) => {
    const value = element('span');
    const sample = element('i');
    sample.className = NAMES[i] ?? '';
    const text = document.createTextNode(label);
    value.append(...(lines.length > 1 ? [sample] : []), text);
    caption.append(value);
    return (last: string) => (text.data = `${label} ${last}`.trim());
  });
  const canvas = element('div');
  canvas.setAttribute('role', 'img');
  const whole = element('figure');
  whole.append(caption, canvas);
  parent.append(whole);
  let plot: uPlot | undefined;
  let shown: uPlot.AlignedData = [[]];
  const make = () => {
    plot?.destroy();
    plot = new uPlot(optionsOf(lines, words, canvas.clientWidth), shown, canvas);
  };
  make();
  // Colours are the canvas's own: another scheme is another drawing.
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', make);
  new ResizeObserver(() => plot?.setSize({ width: canvas.clientWidth, height: HEIGHT })).observe(whole);
  return ({ times, series }) => {
    shown = [times, ...lines.map(([name]) => series[name])];
    plot?.setData(shown);
    const told = lines.map(([name, label], i) => {
      const last = series[name].at(-1) ?? undefined;
      values[i]?.(last === undefined ? '-' : words(last));
      return spoken(label, series[name], words);
    });
    canvas.setAttribute('aria-label', `${title}, last hour. ${told.join(' ')}`);
  };
}

/** A line of a graph in words. */
function spoken(label: string, values: readonly (number | null)[], words: (value: number) => string): string {
  const known = values.filter((value) => value !== null);
  const last = known.at(-1);
  const name = label === '' ? '' : `${label}: `;
  if (last === undefined) return `${name}not known.`;
  return `${name}${words(last)} now, ${words(Math.min(...known))} to ${words(Math.max(...known))}.`;
}

function optionsOf(lines: Chart['lines'], words: Chart['words'], width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: color('dim'), grid: { stroke: color('grid'), width: 1 }, ticks: { stroke: color('grid') } };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: 'hour' }, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, space: 70, size: 32, values: (_plot, times) => times.map(clock) },
      { ...axis, size: 82, values: (_plot, ticks) => ticks.map(words) },
    ],
    series: [
      {},
      ...lines.map(([, label], i) => ({
        label,
        stroke: color(NAMES[i] ?? 'one'),
        width: 2,
        dash: DASHES[i] ?? [],
        points: { show: false },
      })),
    ],
  };
}

/** `14:05`, by the reader's clock. */
function clock(time: number): string {
  const date = new Date(time * 1000);
  return [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, '0')).join(':');
}
