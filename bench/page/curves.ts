/** Curves over a scale from 0 on: lines by the model, circles as measured. Pure. */
import { at, document, type Ink, MARGIN, text, WIDTH } from './svg.js';

export interface Curve {
  label: string;
  ink: Ink;
  /** By the model. */
  line: readonly { x: number; y: number }[];
  /** Measured. */
  circles: readonly { x: number; y: number }[];
}

interface Axes {
  /** What lies at the bottom, with its unit. */
  x: string;
  xMost: number;
  xWords: (value: number) => string;
  yWords: (value: number) => string;
}

const [LEFT, RIGHT, TOP, HEIGHT] = [76, 190, 60, 280];
const STEPS = 4;

/** The chart as SVG. */
export function curveChart(title: string, note: string, axes: Axes, curves: readonly Curve[]): string {
  const most = roundedUp(Math.max(...curves.flatMap(({ line, circles }) => [...line, ...circles].map(({ y }) => y))));
  const width = WIDTH - LEFT - RIGHT;
  const across = (x: number): number => LEFT + (x / axes.xMost) * width;
  const up = (y: number): number => TOP + HEIGHT - (y / most) * HEIGHT;
  const parts = [text(MARGIN, 24, title, 'title'), text(MARGIN, 42, note, 'faint')];
  for (let step = 0; step <= STEPS; step++) {
    const [x, y] = [(step / STEPS) * axes.xMost, (step / STEPS) * most];
    parts.push(`<path class="grid" d="M${LEFT} ${at(up(y))}H${LEFT + width}"/>`);
    parts.push(text(LEFT - 8, up(y) + 4, axes.yWords(y), 'faint', 'end'));
    parts.push(text(across(x), TOP + HEIGHT + 20, axes.xWords(x), 'faint', 'middle'));
  }
  parts.push(text(LEFT + width / 2, TOP + HEIGHT + 40, axes.x, 'faint', 'middle'));
  for (const { ink, line, circles } of curves) {
    const path = line.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${at(across(x))} ${at(up(y))}`).join('');
    parts.push(`<path class="curve ${ink}" d="${path}"/>`);
    parts.push(
      ...circles.map(({ x, y }) => `<circle class="${ink}" cx="${at(across(x))}" cy="${at(up(y))}" r="3.5"/>`),
    );
  }
  parts.push(...labels(curves, up).map(({ label, y }) => text(LEFT + width + 10, y, label)));
  return document(TOP + HEIGHT + 56, title, spoken(axes, curves), parts);
}

/** To the next of 1, 2, 4, 6, 8 and 10 in its own size, so that its quarters are easy to read. */
function roundedUp(value: number): number {
  const size = 10 ** Math.floor(Math.log10(value));
  return size * ([1, 2, 4, 6, 8].find((step) => step * size >= value) ?? 10);
}

/** Beside the end of each curve, none over another. */
function labels(curves: readonly Curve[], up: (y: number) => number): { label: string; y: number }[] {
  const placed = curves.map(({ label, line }) => ({ label, y: up(line.at(-1)?.y ?? 0) + 4 })).sort((a, b) => a.y - b.y);
  placed.forEach((one, i) => {
    const above = placed[i - 1];
    if (above !== undefined) one.y = Math.max(one.y, above.y + 16);
  });
  return placed;
}

function spoken({ x, xWords, yWords }: Axes, curves: readonly Curve[]): string {
  const ends = curves.map(({ label, line }) => {
    const [first, last] = [line[0], line.at(-1)];
    if (first === undefined || last === undefined) return label;
    return `${label}: ${yWords(first.y)} at ${xWords(first.x)}, ${yWords(last.y)} at ${xWords(last.x)}`;
  });
  return [x, ...ends].join('; ');
}
