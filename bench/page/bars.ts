/** Bars from left to right, in panels with a scale each: medians, with the spread from least to greatest. Pure. */
import type { Spread } from '../record/statistics.js';
import { at, document, FIGURES, type Ink, LABELS, MARGIN, PLOT, text, WIDTH } from './svg.js';

interface Bar {
  label: string;
  ink: Ink;
  spread: Spread;
  /** The figure with its unit. */
  figure: string;
}

export interface Panel {
  title: string;
  bars: readonly Bar[];
}

const ROW = 26;
const HEAD = 30;
const TOP = 48;

/** The chart as SVG. */
export function barChart(title: string, note: string, panels: readonly Panel[]): string {
  const parts = [text(MARGIN, 24, title, 'title'), text(MARGIN, 42, note, 'faint')];
  let y = TOP;
  for (const panel of panels) {
    parts.push(text(MARGIN, y + 20, panel.title, 'panel'));
    y += HEAD;
    const most = Math.max(...panel.bars.map(({ spread }) => spread.max), Number.MIN_VALUE);
    for (const bar of panel.bars) {
      parts.push(...barParts(bar, y, PLOT / most));
      y += ROW;
    }
    y += 8;
  }
  const spoken = panels.flatMap((panel) => [
    panel.title,
    ...panel.bars.map(({ label, figure }) => `${label}: ${figure}`),
  ]);
  return document(y + 8, title, spoken.join('; '), parts);
}

function barParts({ label, ink, spread, figure }: Bar, y: number, scale: number): string[] {
  const middle = y + ROW / 2;
  const [least, most] = [LABELS + spread.min * scale, LABELS + spread.max * scale];
  return [
    text(LABELS - 8, middle + 4, label, '', 'end'),
    `<rect class="${ink}" x="${LABELS}" y="${at(y + 5)}" width="${at(Math.max(1, spread.median * scale))}" height="${ROW - 10}"/>`,
    `<path class="spread" d="M${at(least)} ${at(middle)}H${at(most)}"/>`,
    text(WIDTH - FIGURES - MARGIN + 10, middle + 4, figure),
  ];
}
