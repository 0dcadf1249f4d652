/** Cells in aligned columns, some of them in colour. */
import { styleText } from 'node:util';
import { align, type PlainCell } from '../net/columns.js';

/** A text style: that of node:util. */
export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'cyan' | 'inverse';

export interface Cell extends Omit<PlainCell, 'painted'> {
  style?: Style | undefined;
}

/** Styled in any case: whether anybody sees colour is decided where the text goes out. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { validateStream: false });
}

/** The first column flush left, the others flush right. */
export function columns(rows: readonly (readonly Cell[])[]): string {
  const painted = rows.map((cells) =>
    cells.map(({ style, ...cell }) => (style === undefined ? cell : { ...cell, painted: paint(style, cell.text) })),
  );
  return align(painted).join('\n');
}
