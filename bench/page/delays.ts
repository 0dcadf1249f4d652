/** Delays on a logarithmic scale, in panels that share it: the median, the 99th and the 99.9th percentile. Pure. */
import { nanoseconds } from './units.js';
import { at, document, FIGURES, type Ink, LABELS, MARGIN, PLOT, text, WIDTH } from './svg.js';

interface Delays {
  label: string;
  ink: Ink;
  /** Nanoseconds. */
  median: number;
  p99: number;
  p999: number;
}

export interface DelayPanel {
  title: string;
  rows: readonly Delays[];
}

/** What is less is drawn here: clocks and the machine's noise do not tell less apart. */
const LEAST = 1000;
const ROW = 26;
const HEAD = 30;
const TOP = 48;

/** The chart as SVG. */
export function delayChart(title: string, note: string, panels: readonly DelayPanel[]): string {
  const most = Math.max(10 * LEAST, ...panels.flatMap(({ rows }) => rows.map(({ p999 }) => p999)));
  const decades = Math.ceil(Math.log10(most / LEAST));
  const x = (value: number): number => LABELS + (PLOT * Math.log10(Math.max(value, LEAST) / LEAST)) / decades;
  const parts = [text(MARGIN, 24, title, 'title'), text(MARGIN, 42, note, 'faint')];
  let y = TOP;
  for (const panel of panels) {
    parts.push(text(MARGIN, y + 20, panel.title, 'panel'));
    y += HEAD;
    for (let decade = 0; decade <= decades; decade++) {
      const line = x(LEAST * 10 ** decade);
      parts.push(`<path class="grid" d="M${at(line)} ${at(y)}v${panel.rows.length * ROW}"/>`);
      parts.push(text(line, y + panel.rows.length * ROW + 14, whole(LEAST * 10 ** decade), 'faint', 'middle'));
    }
    for (const row of panel.rows) {
      parts.push(...rowParts(row, y, x));
      y += ROW;
    }
    y += 26;
  }
  const spoken = panels.flatMap(({ title: name, rows }) => [
    name,
    ...rows.map((row) => `${row.label}: ${figures(row)}`),
  ]);
  return document(y + 8, title, spoken.join('; '), parts);
}

/** A power of ten without its zeros behind the point. */
function whole(value: number): string {
  return nanoseconds(value).replace(/\.0+ /, ' ');
}

function figures({ median, p99, p999 }: Delays): string {
  return [median, p99, p999].map(nanoseconds).join(', ');
}

function rowParts(row: Delays, y: number, x: (value: number) => number): string[] {
  const middle = y + ROW / 2;
  const { label, ink, median, p99, p999 } = row;
  const solid = ink === 'limit' ? 'theirs' : ink;
  return [
    text(LABELS - 8, middle + 4, label, '', 'end'),
    `<path class="spread" d="M${at(x(median))} ${at(middle)}H${at(x(p999))}"/>`,
    `<circle class="${solid}" cx="${at(x(median))}" cy="${at(middle)}" r="6"/>`,
    `<rect class="${solid}" x="${at(x(p99) - 4)}" y="${at(middle - 7)}" width="8" height="14"/>`,
    `<path class="spread" d="M${at(x(p999))} ${at(middle - 7)}v14"/>`,
    text(WIDTH - FIGURES - MARGIN + 10, middle + 4, `${nanoseconds(median)} / ${nanoseconds(p99)}`, 'faint'),
  ];
}
