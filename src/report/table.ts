/** Cells in aligned columns. */
import { styleText } from 'node:util';

/** A text style: that of node:util. */
export type Style = 'bold' | 'dim' | 'red' | 'yellow';

export interface Cell {
  text: string;
  style?: Style | undefined;
  /** A heading: does not count for the column's width. */
  wide?: boolean;
}

/** Styled in any case: whether anybody sees colour is decided where the text goes out. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { validateStream: false });
}

/** The first column flush left, the others flush right, two spaces between; no spaces at a line's end. */
export function columns(rows: readonly (readonly Cell[])[]): string {
  const widths: number[] = [];
  for (const cells of rows) {
    cells.forEach(({ text, wide }, i) => {
      if (wide !== true) widths[i] = Math.max(widths[i] ?? 0, text.length);
    });
  }
  return rows.map((cells) => line(cells, widths)).join('\n');
}

function line(cells: readonly Cell[], widths: readonly number[]): string {
  const last = cells.reduce((found, { text }, i) => (text === '' ? found : i), -1);
  return cells
    .slice(0, last + 1)
    .map(({ text, style }, i) => {
      const padding = ' '.repeat(Math.max(0, (widths[i] ?? 0) - text.length));
      const styled = style === undefined ? text : paint(style, text);
      if (i > 0) return padding + styled;
      return i === last ? styled : styled + padding;
    })
    .join('  ');
}
