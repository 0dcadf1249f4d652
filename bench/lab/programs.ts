/** Builds the C programs of `bench/tools` on first use. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { PROJECT } from '../../test/helpers/tools.js';

const SOURCES = path.join(PROJECT, 'bench/tools');
/** The sender is clear-df's own: `clear-df bench` sends with it, too. */
const CORE = path.join(PROJECT, 'csrc');
/** Where the bench keeps what it builds. */
export const CACHE = path.join(PROJECT, '.cache/bench');

const FAST_PATH = ['bpf', 'filter', 'filter_side', 'instructions', 'pool', 'program', 'rtnetlink'].map(
  (name) => `fastpath/${name}.c`,
);

/** What each is linked with, and which of clear-df's own sources are part of it. */
const PROGRAMS = {
  sender: { libraries: [], core: ['sender/sender.c'] },
  receiver: { libraries: [], core: [] },
  tcp: { libraries: [], core: [] },
  article: { libraries: ['-lnetfilter_queue', '-lnfnetlink'], core: [] },
  floor: { libraries: ['-lnetfilter_queue', '-lmnl'], core: [] },
  fastpath: { libraries: ['-lmnl'], core: FAST_PATH },
} as const satisfies Record<string, { libraries: readonly string[]; core: readonly string[] }>;

type Program = keyof typeof PROGRAMS;

/** Headers, and what is included like one. */
const HEADERS = ['sender', 'fastpath', 'packet'].flatMap((room) =>
  readdirSync(path.join(CORE, room))
    .filter((name) => /\.(h|inc)$/.test(name))
    .map((name) => path.join(CORE, room, name)),
);

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
  const { libraries, core } = PROGRAMS[name];
  const sources = [source, ...core.map((file) => path.join(CORE, file))];
  const newest = Math.max(...[...sources, ...HEADERS].map(modified));
  if (modified(target) > newest) return target;
  mkdirSync(CACHE, { recursive: true });
  const fresh = `${target}.${process.pid}`;
  try {
    const flags = ['-std=gnu11', '-D_GNU_SOURCE', '-I', CORE, '-O2', '-Wall', '-Wextra', '-Werror'];
    await execa('cc', [...flags, '-o', fresh, ...sources, ...libraries]);
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
