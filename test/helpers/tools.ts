/** Builds the small C programs of test/tools on first use. */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { type Architecture, ARCHITECTURES } from '../../scripts/lab/architecture.js';

/** The folder that holds package.json. */
export const PROJECT = path.resolve(fileURLToPath(new URL('../..', import.meta.url)));

const LIBRARIES: Record<string, string[]> = { 'plain-rand': ['-lnetfilter_queue', '-lnfnetlink'] };

export type Tool = 'flood' | 'forge' | 'segments' | 'sink' | 'stream' | 'plain-rand';

/** Path of the built program `test/tools/NAME.c`; compiled when its source is newer. */
export async function tool(name: Tool, architecture = process.arch as Architecture): Promise<string> {
  const source = path.join(PROJECT, 'test/tools', `${name}.c`);
  const own = architecture === process.arch;
  const program = path.join(PROJECT, '.cache/tools', own ? name : `${name}-${architecture}`);
  if (modified(program) > modified(source)) return program;
  mkdirSync(path.dirname(program), { recursive: true });
  const fresh = `${program}.${process.pid}`;
  try {
    const flags = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror'];
    await execa(own ? 'cc' : `${ARCHITECTURES[architecture].triple}-gcc`, [
      ...flags,
      '-o',
      fresh,
      source,
      ...(LIBRARIES[name] ?? []),
    ]);
    // Several test files may build at once: whoever renames last wins, nobody runs half a file.
    renameSync(fresh, program);
  } finally {
    rmSync(fresh, { force: true });
  }
  return program;
}

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
