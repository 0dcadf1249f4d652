/** Builds the C programs of `bench/tools` on first use. */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../../test/helpers/tools.js';

const SOURCES = path.join(PROJECT, 'bench/tools');
/** The sender is clear-df's own: `clear-df bench` sends with it, too. */
const CORE = path.join(PROJECT, 'csrc');
/** Where the bench keeps what it builds. */
export const CACHE = path.join(PROJECT, '.cache/bench');

const LIBRARIES = {
  sender: [],
  receiver: [],
  tcp: [],
  article: ['-lnetfilter_queue', '-lnfnetlink'],
  floor: ['-lnetfilter_queue', '-lmnl'],
} as const;

type Program = keyof typeof LIBRARIES;

const built = new Map<Program, Promise<string>>();

/** Path of the built program `bench/tools/NAME.c`; compiled when its source is newer. */
export function program(name: Program): Promise<string> {
  const made = built.get(name) ?? build(name);
  built.set(name, made);
  return made;
}

async function build(name: Program): Promise<string> {
  const source = path.join(SOURCES, `${name}.c`);
  const target = path.join(CACHE, name);
  const sources = [source, ...(name === 'sender' ? [path.join(CORE, 'sender/sender.c')] : [])];
  const headers = ['sender/sender.h', 'sender/test_header.h'].map((header) => path.join(CORE, header));
  const newest = Math.max(...[...sources, ...headers].map(modified));
  if (modified(target) > newest) return target;
  mkdirSync(CACHE, { recursive: true });
  const fresh = `${target}.${process.pid}`;
  try {
    const flags = ['-std=gnu11', '-D_GNU_SOURCE', '-I', CORE, '-O2', '-Wall', '-Wextra', '-Werror'];
    await execa('cc', [...flags, '-o', fresh, ...sources, ...LIBRARIES[name]]);
    // Two runs may build at once: whoever renames last wins, nobody runs half a file.
    renameSync(fresh, target);
  } finally {
    rmSync(fresh, { force: true });
  }
  return target;
}

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
