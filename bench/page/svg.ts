/** What all charts share: their paper, their ink, their letters. Readable in light and dark. Pure. */

export const WIDTH = 760;
export const MARGIN = 16;
/** From the left edge to where bars and points begin. */
export const LABELS = 200;
/** From where bars end to the right edge: their figures. */
export const FIGURES = 150;
export const PLOT = WIDTH - LABELS - FIGURES - MARGIN;

interface Inks {
  paper: string;
  ink: string;
  faint: string;
  line: string;
  ours: string;
  theirs: string;
}

const LIGHT: Inks = {
  ...{ paper: '#ffffff', ink: '#1f2328', faint: '#59636e', line: '#d1d9e0' },
  ...{ ours: '#0969da', theirs: '#8c959f' },
};
const DARK: Inks = {
  ...{ paper: '#0d1117', ink: '#e6edf3', faint: '#9198a1', line: '#3d444d' },
  ...{ ours: '#58a6ff', theirs: '#6e7681' },
};

/** Spelt out, because not every program that shows SVG knows variables of CSS. */
function inked({ paper, ink, faint, line, ours, theirs }: Inks): string {
  return [
    `.paper{fill:${paper}}text{fill:${ink}}.faint{fill:${faint}}.grid{stroke:${line}}`,
    `.ours{fill:${ours}}.theirs{fill:${theirs}}.limit{stroke:${faint}}.spread{stroke:${ink}}`,
    `.curve{fill:none;stroke-width:2}.curve.ours{stroke:${ours}}.curve.theirs{stroke:${theirs}}.curve.limit{stroke:${faint}}`,
  ].join('');
}

const STYLE = `
text{font:13px system-ui,sans-serif}
.title{font-weight:600;font-size:15px}
.panel{font-weight:600}
.faint{font-size:12px}
.limit{fill:none;stroke-dasharray:3 2}
.spread{stroke-width:1.5}
${inked(LIGHT)}
@media (prefers-color-scheme: dark){${inked(DARK)}}
`;

/** The kind of contender that a row shows, which is how it is inked. */
export type Ink = 'ours' | 'theirs' | 'limit';

/** How a contender is inked: clear-df, what bounds it, all others. */
export function inkOf(contender: string): Ink {
  if (/^(clear-df|fast-path)/.test(contender)) return 'ours';
  return contender === 'null' || contender === 'echo' ? 'limit' : 'theirs';
}

/** One decimal: no chart shows more, and files stay small. */
export function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

export function text(
  x: number,
  y: number,
  words: string,
  kind = '',
  anchor: 'start' | 'end' | 'middle' = 'start',
): string {
  const type = kind === '' ? '' : ` class="${kind}"`;
  const where = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text x="${at(x)}" y="${at(y)}"${type}${where}>${escaped(words)}</text>`;
}

/** A whole file; `spoken` is what a screen reader says. */
export function document(height: number, title: string, spoken: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${at(height)}" width="${WIDTH}" height="${at(height)}" role="img">
<title>${escaped(title)}</title>
<desc>${escaped(spoken)}</desc>
<style>${STYLE}</style>
<rect class="paper" width="100%" height="100%"/>
${parts.join('\n')}
</svg>
`;
}
