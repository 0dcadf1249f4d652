/** A drawn screen as a picture for the documents, in the reader's light or dark. */
import type { Line } from '../../src/report/top/canvas.js';

const [COLUMN, ROW, EDGE] = [8.4, 18, 12];

const STYLE = `
  .s { fill: #fbfbfb; stroke: #d0d0d0 }
  text { font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; white-space: pre; fill: #222 }
  .bold { font-weight: bold } .dim { fill: #666 } .red { fill: #b3121d; font-weight: bold } .yellow { fill: #7d5a00 }
  .cyan { fill: #06707c } .inverse { fill: #fbfbfb } .bar { fill: #444 }
  @media (prefers-color-scheme: dark) {
    .s { fill: #15181c; stroke: #3a3f45 } text { fill: #dcdfe3 } .dim { fill: #9aa0a8 } .red { fill: #ff7b72 }
    .yellow { fill: #e3b341 } .cyan { fill: #56d4dd } .inverse { fill: #15181c } .bar { fill: #b8bec6 }
  }`;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** @param title what is to be seen, for who cannot see it */
export function screenAsSvg(lines: readonly Line[], title: string): string {
  const columns = lines[0]?.reduce((sum, { text }) => sum + text.length, 0) ?? 0;
  const [width, height] = [Math.ceil(columns * COLUMN) + 2 * EDGE, lines.length * ROW + 2 * EDGE];
  const drawn = lines.flatMap((line, row) => {
    let column = 0;
    return line.flatMap(({ text, style }) => {
      const x = (EDGE + column * COLUMN).toFixed(1);
      const wide = (text.length * COLUMN).toFixed(1);
      column += text.length;
      const y = EDGE + row * ROW;
      const bar = style === 'inverse' ? [`<rect class="bar" x="${x}" y="${y}" width="${wide}" height="${ROW}"/>`] : [];
      if (text.trim() === '') return bar;
      const named = style === undefined ? '' : ` class="${style}"`;
      return [...bar, `<text${named} x="${x}" y="${y + 13.5}" textLength="${wide}">${escaped(text)}</text>`];
    });
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${escaped(title)}</title><style>${STYLE}\n</style>`,
    `<rect class="s" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}
