/** Text as mdoc(7) has it. */

const WIDTH = 78;

/** What roff would take for an instruction, made plain; `--flag` with signs that can be copied. */
function plain(text: string): string {
  return text.replaceAll('\\', '\\e').replace(/(?<![\w-])--(?=\w)/g, '\\-\\-');
}

/** A line of text: an instruction starts with a dot or a quote. */
function line(text: string): string {
  return /^[.']/.test(text) ? `\\&${text}` : text;
}

/** Sentences on lines of their own, as mdoc wants them, none longer than it likes. */
function filled(text: string): string {
  const sentences = text
    .replace(/\s+/g, ' ')
    .trim()
    .split(/(?<=[.!?][)"]?) (?=[A-Z"(])/);
  return sentences
    .flatMap((sentence) => wrapped(plain(sentence)))
    .map(line)
    .join('\n');
}

function wrapped(text: string): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    if (current !== '' && current.length + 1 + word.length > WIDTH) {
      lines.push(current);
      current = word;
    } else current = current === '' ? word : `${current} ${word}`;
  }
  return [...lines, current];
}

/** A block that stays as it is. */
export function literal(text: string): string {
  return ['.Bd -literal -offset indent', ...text.split('\n').map((each) => line(plain(each))), '.Ed'].join('\n');
}

/** Paragraphs; those whose lines begin with two blanks stay as they are. */
export function prose(text: string): string {
  return text
    .trim()
    .split(/\n{2,}/)
    .map((part) => (/^ {2}/.test(part) ? literal(part.replace(/^ {2}/gm, '')) : filled(part)))
    .reduce((before, part) => (part.startsWith('.Bd') ? `${before}\n${part}` : `${before}\n.Pp\n${part}`));
}

/** One word of a macro's line. */
export function word(text: string): string {
  const safe = plain(text);
  return /\s/.test(text) || text === '' ? `"${safe.replaceAll('"', '""')}"` : `\\&${safe}`;
}

/** `name(8)` as a reference. */
export function reference(page: string): string {
  const [, name = page, section = '1'] = /^(.*)\((\d)\)$/.exec(page) ?? [];
  return `Xr ${name} ${section}`;
}

/** SEE ALSO: by section, then by name. */
export function seeAlso(pages: Iterable<string>): string {
  const key = (page: string) => `${/\((\d)\)$/.exec(page)?.[1]}${page}`;
  const sorted = [...new Set(pages)].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const last = sorted.length - 1;
  return ['.Sh SEE ALSO', ...sorted.map((page, i) => `.${reference(page)}${i === last ? '' : ' ,'}`)].join('\n');
}

/** A list of terms, each with what it means. */
export function list(items: readonly (readonly [term: string, meaning: string])[], width = 'Ds'): string {
  return [`.Bl -tag -width ${width}`, ...items.map(([term, meaning]) => `.It ${term}\n${meaning}`), '.El'].join('\n');
}

/** The head of a page. */
export function head(name: string, section: number, about: string, date: string): string {
  return [
    `.Dd ${date}`,
    `.Dt ${name.toUpperCase()} ${section}`,
    '.Os',
    '.Sh NAME',
    `.Nm ${name}`,
    `.Nd ${plain(about)}`,
  ].join('\n');
}
