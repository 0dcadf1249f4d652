/** Figures in the midst of a page that people write. Pure. */

const BEGIN = '<!-- figures: made by npm run bench of bench/results; a test fails when they differ -->';
const END = '<!-- figures: end -->';

/** The page with its figures replaced. @throws Error when the page has no place for them */
export function between(page: string, name: string, figures: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${name} has no '${BEGIN}' with '${END}' behind it`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${figures}\n\n${page.slice(end)}`;
}
