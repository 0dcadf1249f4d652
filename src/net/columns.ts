/** Cells in aligned columns. */

export interface PlainCell {
  text: string;
  /** The text as it goes out, with styles, which take no room. */
  painted?: string;
  /** A heading: does not count for the column's width. */
  wide?: boolean | undefined;
}

/** The first column flush left, the others flush right. */
const NUMBERS = (column: number): boolean => column > 0;

/**
 * Lines of cells with two spaces between; no spaces at a line's end.
 * @param right whether a column is flush right
 */
export function align(rows: readonly (readonly PlainCell[])[], right = NUMBERS): string[] {
  const widths: number[] = [];
  for (const cells of rows) {
    cells.forEach(({ text, wide }, i) => {
      if (wide !== true) widths[i] = Math.max(widths[i] ?? 0, text.length);
    });
  }
  return rows.map((cells) => {
    const last = cells.reduce((found, { text }, i) => (text === '' ? found : i), -1);
    return cells
      .slice(0, last + 1)
      .map(({ text, painted = text }, i) => {
        const padding = ' '.repeat(Math.max(0, (widths[i] ?? 0) - text.length));
        if (right(i)) return padding + painted;
        return i === last ? painted : painted + padding;
      })
      .join('  ');
  });
}
