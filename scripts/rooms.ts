/**
 * Which tests of `npm test` meet a change to which room: a table, and exit code 1 when no test meets one.
 *
 *   npm run rooms                         by what the tests import, and what was measured before
 *   npm run rooms -- --measure [FILE…]    first runs these tests, or all that start clear-df here, and remembers which
 *                                         functions of it they entered; as root
 *
 * A room is a folder of `src/`, `bench/` or `scripts/`, or a file that stands in none, and a file of `csrc/` with its
 * header. Of the lab only imports count: what runs in a guest is not measured.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { transformSync } from 'esbuild';
import { readC } from './layers/c-rooms.js';
import { readTypeScript } from './layers/ts-file.js';
import { measure } from './rooms-measured.js';
import { TIERS } from './tiers.js';

const MEASURED_FILE = '.cache/rooms.json';
/** Tiers whose tests start clear-df as a process of this machine. */
const STARTING = ['addon', 'netns', 'examples', 'pack'];
const NATIVE = 'src/native.ts';

/** The TypeScript of the project: for each file those that it imports, types left out. */
function readImports(): Map<string, string[]> {
  const roots = ['src', 'bench', 'scripts', 'test'];
  const files = roots.flatMap((root) =>
    readTypeScript(root).map(({ name, imports }) => {
      const targets = imports.flatMap(({ target, typeOnly }) => (target === undefined || typeOnly ? [] : [target]));
      return [path.posix.join(root, name), targets.map((target) => path.posix.join(root, target))] as const;
    }),
  );
  return new Map(files);
}

function closure(file: string, imports: Map<string, string[]>, seen = new Set<string>()): Set<string> {
  if (seen.has(file) || !imports.has(file)) return seen;
  seen.add(file);
  for (const target of imports.get(file) ?? []) closure(target, imports, seen);
  return seen;
}

function roomOf(file: string): string | undefined {
  if (!/^(src|bench|scripts)\//.test(file)) return undefined;
  const folder = path.posix.dirname(file);
  return folder.includes('/') || !file.startsWith('src/') ? folder : file;
}

/** What `npm run lint` meets: there is nothing of it to run. */
function typesOnly(file: string): boolean {
  return transformSync(readFileSync(file, 'utf8'), { loader: 'ts' }).code.trim() === '';
}

function remembered(): Record<string, string[]> {
  return existsSync(MEASURED_FILE) ? (JSON.parse(readFileSync(MEASURED_FILE, 'utf8')) as Record<string, string[]>) : {};
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { measure: { type: 'boolean' } } });
const imports = readImports();
const tests = [...imports.keys()].filter((file) => /^test\/\w+\/.*\.test\.ts$/.test(file));
const starting = tests.filter((file) => STARTING.includes(file.split('/')[1] ?? ''));
if (values.measure === true) {
  mkdirSync(path.dirname(MEASURED_FILE), { recursive: true });
  for (const test of positionals.length === 0 ? starting : positionals) {
    const files = await measure(test);
    writeFileSync(MEASURED_FILE, JSON.stringify({ ...remembered(), [test]: files }));
  }
}
const measured = remembered();

/** By room: by tier, names of the tests that meet it. */
const table = new Map<string, Map<string, Set<string>>>();
function meets(room: string | undefined, tier: string, name: string): void {
  const row = table.get(room ?? '');
  row?.set(tier, (row.get(tier) ?? new Set()).add(name));
}
for (const file of imports.keys()) {
  const room = roomOf(file);
  if (room !== undefined && !typesOnly(file)) table.set(room, new Map());
}
const groups = [...new Set(readC('csrc').map(({ name }) => name.replace(/\.\w+$/, '')))];
for (const group of groups) table.set(`csrc/${group}`, new Map());

for (const test of tests) {
  const [, tier = '', ...rest] = test.split('/');
  const name = rest.join('/').replace(/\.test\.ts$/, '');
  const files = new Set([...closure(test, imports), ...(measured[test] ?? [])]);
  for (const file of files) meets(roomOf(file), tier, name);
  // The addon is one piece: a process has loaded it. The fixtures of its own tier do so without `src/`.
  if (tier === 'addon' || measured[test]?.includes(NATIVE) === true)
    for (const group of groups) meets(`csrc/${group}`, tier, name);
}
for (const tier of ['native', 'fuzz']) {
  for (const { name, includes } of readC(`test/${tier}`).filter((file) => file.name.endsWith('.c'))) {
    for (const { header } of includes) {
      const group = header.replace(/\.h$/, '');
      if (groups.includes(group)) meets(`csrc/${group}`, tier, name.replace(/\.c$/, ''));
    }
  }
}

for (const [room, row] of [...table].sort(([a], [b]) => a.localeCompare(b))) {
  const names = TIERS.flatMap(({ name: tier }) =>
    row.has(tier) ? `${tier}: ${[...(row.get(tier) ?? [])].join(' ')}` : [],
  );
  console.log(`${room.padEnd(28)} ${names.join(' | ')}`);
}
const unmeasured = starting.filter((test) => measured[test] === undefined);
if (unmeasured.length > 0) console.log(`\nnot measured, only by imports: ${unmeasured.join(' ')}`);
const unmet = [...table].filter(([, row]) => row.size === 0).map(([room]) => room);
console.log(unmet.length === 0 ? '\nevery room is met by a test' : `\nmet by no test: ${unmet.join(' ')}`);
process.exitCode = unmet.length === 0 ? 0 : 1;
