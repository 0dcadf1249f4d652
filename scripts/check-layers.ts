/**
 * The ladders of the house, and the check that nobody climbs them the wrong way:
 * `npx tsx scripts/check-layers.ts [FOLDER]`.
 *
 * A room is a folder or a file of `src/` (`src/report/`, `src/mangler.ts`). The bench has a ladder of its own:
 * `layers/bench.ts`.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { readTypeScript, type TsFile } from './layers/ts-file.js';
import { readC, type CFile } from './layers/c-file.js';
import { findCycles } from './layers/cycles.js';
import { longFiles } from './layers/long-files.js';
import { checkBench } from './layers/bench.js';
import { mayImport, roomOf, type Violation } from './layers/roads.js';

/** A file may import from its own room and from rooms to its left in one of these roads. */
const ROADS = [
  ['errors', 'net', 'counters', 'native', 'mangler', 'encap', 'log', 'report', 'service', 'cli'],
  ['errors', 'net', 'rules', 'tunnel', 'doctor', 'trace', 'log', 'host', 'service', 'cli'],
  // Locks, for which Node has no call, which network namespace this is, and what no firewall tool does.
  ['errors', 'counters', 'native', 'host', 'service', 'cli'],
  ['errors', 'capture', 'cli'],
  // Pure; the bench takes it as well.
  ['errors', 'model', 'service', 'cli'],
  // The public names; imported by nothing.
  ['errors', 'net', 'counters', 'native', 'mangler', 'encap', 'index'],
  ['errors', 'net', 'rules', 'index'],
  // `clear-df/plan`; imported by nothing.
  ['errors', 'net', 'rules', 'tunnel', 'plan'],
];

/** Doors between roads, for types only: nothing runs through them. */
const TYPE_DOORS = [{ from: 'report', to: 'host' }];

/** Modules that only some rooms may import: who may. */
const KEPT_MODULES: Record<string, readonly string[]> = {
  bindings: ['native'],
  execa: ['host'],
  child_process: ['host'],
};

/** Only this room reads the machine through these file systems. */
const MACHINE_ROOM = 'host';
const MACHINE_PATH = /^\/(proc|sys)(\/\S*)?$/;

/** The C ladder: a header may be included from its own step and the steps after it. */
const C_STEPS = [
  ['packet'],
  ['published'],
  ['ipv4'],
  ['transport'],
  ['sequence', 'clock', 'kernel_queue', 'affinity', 'coalesce', 'batch'],
  ['fault'],
  ['loss'],
  ['deck'],
  ['identification'],
  ['clear'],
  ['message'],
  ['setting'],
  ['binding'],
  ['queue'],
  ['companion', 'shedding'],
  ['answer'],
  ['loop'],
  ['drain'],
  ['worker'],
  ['mangler'],
  ['icmp'],
  ['raw'],
  ['probe'],
  ['encap'],
  ['netns', 'nftables'],
  ['stamp'],
  ['pour'],
  ['options_wrap'],
  ['mangler_wrap', 'rules_wrap', 'probe_wrap', 'encap_wrap', 'pour_wrap', 'flock_wrap', 'nftables_wrap'],
  ['addon'],
];

/** Steps that belong to the N-API boundary; all others are the C core. */
const BOUNDARY = /^(addon|\w+_wrap)\./;

/** Headers that one side of the boundary must not know. */
const FOREIGN_HEADERS = [
  { boundary: false, header: /^(node|napi|uv|v8)[\w.-]*\.h$/, rule: 'C knows no Node' },
  {
    boundary: true,
    header: /^(libmnl|libnetfilter_queue|libnfnetlink|linux\/netlink|linux\/netfilter)/,
    rule: 'the boundary knows no netlink',
  },
];

function checkImports(files: readonly TsFile[]): Violation[] {
  const found: Violation[] = [];
  for (const file of files) {
    const room = roomOf(file.name);
    const at = (line: number) => `src/${file.name}:${line}`;
    if (!ROADS.some((road) => road.includes(room))) {
      found.push({ where: at(1), what: `room '${room}'`, rule: 'every room has its place in a road: add it to ROADS' });
      continue;
    }
    for (const { line, specifier, target, typeOnly } of file.imports) {
      const what = `imports '${specifier}'`;
      const keepers = KEPT_MODULES[specifier.replace(/^node:/, '')];
      if (keepers !== undefined && !keepers.includes(room)) {
        found.push({ where: at(line), what, rule: `only src/${keepers.join(', src/')} may import it` });
      }
      if (target === undefined) continue;
      const to = roomOf(target);
      if (to === 'index') {
        found.push({ where: at(line), what, rule: 'nothing imports index.ts' });
      } else if (!mayImport(ROADS, room, to)) {
        const door = TYPE_DOORS.some((allowed) => allowed.from === room && allowed.to === to);
        if (door && typeOnly) continue;
        const rule = door
          ? `${room} may import only types from ${to}`
          : `${to} is not to the left of ${room} in any road`;
        found.push({ where: at(line), what, rule });
      }
    }
    if (room === MACHINE_ROOM) continue;
    for (const { line, text } of file.strings) {
      if (MACHINE_PATH.test(text)) {
        found.push({ where: at(line), what: `names '${text}'`, rule: `only src/${MACHINE_ROOM} reads /proc and /sys` });
      }
    }
  }
  return found;
}

function checkIncludes(files: readonly CFile[]): Violation[] {
  const found: Violation[] = [];
  const step = (name: string) => C_STEPS.findIndex((names) => names.includes(name.replace(/\.\w+$/, '')));
  for (const file of files) {
    const own = step(file.name);
    const at = (line: number) => `csrc/${file.name}:${line}`;
    if (own < 0) {
      found.push({
        where: at(1),
        what: file.name,
        rule: 'every C file has its place in the ladder: add it to C_STEPS',
      });
      continue;
    }
    for (const { line, header, local } of file.includes) {
      const what = `includes ${header}`;
      if (local && step(header) > own) {
        found.push({ where: at(line), what, rule: `${header} comes after ${file.name} in the ladder` });
      }
      for (const foreign of FOREIGN_HEADERS) {
        if (BOUNDARY.test(file.name) === foreign.boundary && foreign.header.test(header)) {
          found.push({ where: at(line), what, rule: foreign.rule });
        }
      }
    }
  }
  return found;
}

/** Everything that is wrong with the house in `root`. */
export function checkLayers(root: string): Violation[] {
  const ts = readTypeScript(path.join(root, 'src'));
  const bench = readTypeScript(path.join(root, 'bench'));
  const cyclesIn = (folder: string, files: readonly TsFile[]): Violation[] =>
    findCycles(files).map((cycle) => ({
      where: `${folder}/${cycle[0] ?? ''}`,
      what: `imports itself by way of ${cycle.slice(1).join(', ')}`,
      rule: 'no import cycles',
    }));
  const cycles = [...cyclesIn('src', ts), ...cyclesIn('bench', bench)];
  const long = longFiles(root).map(({ file, lines }) => ({
    where: file,
    what: `has ${lines} lines`,
    rule: 'no file is longer than 300 lines',
  }));
  return [
    ...checkImports(ts),
    ...checkBench(bench),
    ...cycles,
    ...checkIncludes(readC(path.join(root, 'csrc'))),
    ...long,
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const violations = checkLayers(process.argv[2] ?? path.join(import.meta.dirname, '..'));
  for (const { where, what, rule } of violations) console.error(`${where}: ${what}: ${rule}`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
