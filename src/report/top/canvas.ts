/** Lines of a screen as pieces of text with a style each, of exactly the width that is asked for. */
import { paint, type Style } from '../table.js';

export interface Span {
  text: string;
  style?: Style | undefined;
}

export type Line = readonly Span[];

/** Text in exactly `width` columns: cut, or filled up with blanks. */
export function left(text: string, width: number, style?: Style): Span {
  return { text: oneColumnEach(text).slice(0, Math.max(0, width)).padEnd(width), style };
}

/** The same, flush right. A number that does not fit is not cut into another one. */
export function right(text: string, width: number, style?: Style): Span {
  const plain = oneColumnEach(text);
  return { text: (plain.length > width ? '#'.repeat(width) : plain).padStart(width), style };
}

/** Pieces as one line of `width` columns. */
export function line(width: number, ...spans: readonly Span[]): Line {
  let room = width;
  const fitted = spans.map(({ text, style }) => {
    const part = text.slice(0, room);
    room -= part.length;
    return { text: part, style };
  });
  return [...fitted, { text: ' '.repeat(room) }].filter(({ text }) => text !== '');
}

/** As it goes to the terminal. */
export function rendered(pieces: Line, color: boolean): string {
  return pieces
    .map(({ text, style }) => (color && style !== undefined && text.trim() !== '' ? paint(style, text) : text))
    .join('');
}

/** Signs of words that may be wider than a column, or none at all, would shift all that stands behind them. */
function oneColumnEach(text: string): string {
  return text.replace(/[^\x20-\x7e\u2026\u2581-\u2588]/gu, '?');
}

const BLOCKS = '▁▂▃▄▅▆▇█';
const ASCII = '_.:-=+*#';

/** The last values as a little graph, flush right, 0 at its foot; blank where nothing is known. */
export function sparkline(values: readonly number[], width: number, unicode: boolean): string {
  const steps = unicode ? BLOCKS : ASCII;
  const shown = values.slice(Math.max(0, values.length - Math.max(0, width)));
  const highest = Math.max(...shown.filter(Number.isFinite), 0);
  const step = (value: number) => (value <= 0 ? 0 : Math.max(1, Math.round((value / highest) * (steps.length - 1))));
  const signs = shown.map((value) => (Number.isFinite(value) ? steps[step(value)] : ' '));
  return signs.join('').padStart(width);
}
