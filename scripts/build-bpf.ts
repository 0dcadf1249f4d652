/**
 * Compiles the program in the kernel, `csrc/fastpath/clear.bpf.c`, and writes its instructions as C:
 * `csrc/fastpath/instructions.inc`. That file is kept, so that a build from source needs no clang: `npx tsx scripts/build-bpf.ts`
 * after a change. `--print` writes to the standard output instead.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { execaSync } from 'execa';
import { readObject } from './bpf-object.js';

const ROOT = path.join(import.meta.dirname, '..');
const FOLDER = path.join(ROOT, 'csrc', 'fastpath');
const SOURCE = path.join(FOLDER, 'clear.bpf.c');

/** The generated file. */
export const PRODUCT = path.join(FOLDER, 'instructions.inc');

/** The first line of `clang --version`. */
export function clangVersion(): string {
  return execaSync('clang', ['--version']).stdout.split('\n')[0] ?? '';
}

/** The hash of the source and of the headers of this project that it includes. */
export function sourceHash(): string {
  const seen = new Set<string>();
  const hash = createHash('sha256');
  const take = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    hash.update(text);
    for (const [, header = ''] of text.matchAll(/^#include "([^"]+)"/gm)) take(resolveHeader(file, header));
  };
  take(SOURCE);
  return hash.digest('hex');
}

function resolveHeader(from: string, header: string): string {
  const beside = path.join(path.dirname(from), header);
  return existsSync(beside) ? beside : path.join(ROOT, 'csrc', header);
}

/** The text that {@link PRODUCT} should have, by this machine's clang. */
export function generate(): string {
  return text(compile('bpfel'), compile('bpfeb'));
}

/** The instructions for machines of one byte order. */
function compile(target: 'bpfel' | 'bpfeb'): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-bpf-'));
  try {
    const object = path.join(folder, 'clear.o');
    const include = `/usr/include/${execaSync('gcc', ['-dumpmachine']).stdout}`;
    const flags = [
      '-O2',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-ffreestanding',
      '-mcpu=v2',
      `-I${path.join(ROOT, 'csrc')}`,
      `-I${include}`,
    ];
    execaSync('clang', ['-target', target, ...flags, '-c', SOURCE, '-o', object]);
    return readObject(readFileSync(object), 'tc');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function text(little: readonly string[], big: readonly string[]): string {
  const initializers = (lines: readonly string[]) => lines.map((line) => `\t${line},`);
  return [
    '/* SPDX-License-Identifier: GPL-2.0-or-later */',
    '/* Made by scripts/build-bpf.ts of clear.bpf.c: do not edit. */',
    `/* compiler: ${clangVersion()} */`,
    `/* sources: ${sourceHash()} */`,
    '#include <linux/bpf.h>',
    '',
    '#include "layout.h"',
    '',
    '/* clang-format off */',
    'static const struct bpf_insn cdf_program[] = {',
    '#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__',
    ...initializers(little),
    '#else',
    ...initializers(big),
    '#endif',
    '};',
    '',
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv[2] === '--print') process.stdout.write(generate());
  else writeFileSync(PRODUCT, generate());
}
