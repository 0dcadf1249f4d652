/** What the ladder check wants to know of a C or C++ file: its includes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface CFile {
  name: string;
  /** `local` ones are written with quotation marks. */
  includes: { line: number; header: string; local: boolean }[];
}

const INCLUDE = /^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)/;

/** Every `.c`, `.cc` and `.h` file of `root`. */
export function readC(root: string): CFile[] {
  if (!existsSync(root)) return [];
  const names = readdirSync(root).filter((name) => /\.(c|cc|h)$/.test(name));
  return names.sort().map((name) => ({ name, includes: includesOf(readFileSync(path.join(root, name), 'utf8')) }));
}

function includesOf(text: string): CFile['includes'] {
  const found: CFile['includes'] = [];
  text.split('\n').forEach((content, i) => {
    const match = INCLUDE.exec(content);
    const header = match?.[1] ?? match?.[2];
    if (header !== undefined) found.push({ line: i + 1, header, local: match?.[1] !== undefined });
  });
  return found;
}
