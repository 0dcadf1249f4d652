/** The fenced blocks of the documents. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.join(import.meta.dirname, '..', '..');

export interface Block {
  /** `docs/tunnel.md` */
  file: string;
  /** Of its first line. */
  line: number;
  /** `sh`, `console`, `yaml`, `ini`, `js`, or nothing. */
  language: string;
  text: string;
}

export function docBlocks(): Block[] {
  const docs = readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  const files = ['README.md', 'CONTRIBUTING.md', ...docs.map((name) => `docs/${name}`)];
  return files.flatMap((file) => blocksOf(file, readFileSync(path.join(ROOT, file), 'utf8')));
}

/** A block that no fence closes goes to the end of the file, as in Markdown. */
export function blocksOf(file: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  text.split('\n').forEach((line, i) => {
    const fence = /^\s*```(\w*)/.exec(line);
    if (open !== undefined && fence === null) open.text += `${line}\n`;
    else if (open !== undefined) open = undefined;
    else if (fence !== null) blocks.push((open = { file, line: i + 2, language: fence[1] ?? '', text: '' }));
  });
  return blocks;
}

/**
 * What a person types of a block, without prompts and what is said beside it: `# clear-df doctor` in a console, and in a
 * shell block `clear-df doctor   # what is right`.
 */
export function typedLines({ language, text }: Block): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const typed = language === 'console' ? lines.flatMap((line) => /^(?:\w*)[#$] (.*)$/.exec(line)?.[1] ?? []) : lines;
  return typed.map((line) => (line.split(/\s{2,}/)[0] ?? '').trim()).filter((line) => !line.startsWith('#'));
}
