/** Builds the small C programs of test/tools on first use. */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

/** The folder that holds package.json. */
export const PROJECT = path.resolve(fileURLToPath(new URL('../..', import.meta.url)));

const LIBRARIES: Record<string, string[]> = { 'plain-rand': ['-lnetfilter_queue', '-lnfnetlink'] };

/** Path of the built program `test/tools/NAME.c`; compiled when its source is newer. */
export async function tool(name: 'flood' | 'forge' | 'segments' | 'sink' | 'stream' | 'plain-rand'): Promise<string> {
  const source = path.join(PROJECT, 'test/tools', `${name}.c`);
  const program = path.join(PROJECT, '.cache/tools', name);
  if (modified(program) > modified(source)) return program;
  mkdirSync(path.dirname(program), { recursive: true });
  const fresh = `${program}.${process.pid}`;
  try {
    const flags = ['-std=gnu11', '-O2', '-Wall', '-Wextra', '-Werror'];
    await execa('cc', [...flags, '-o', fresh, source, ...(LIBRARIES[name] ?? [])]);
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
