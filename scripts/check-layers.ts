/**
 * The ladders of the house, and the check that nobody climbs them the wrong way:
 * `npx tsx scripts/check-layers.ts [FOLDER]`.
 *
 * A room is a folder or a file of `src/` (`src/report/`, `src/mangler.ts`). The bench and `csrc/` have ladders of their
 * own: `layers/bench.ts`, `layers/c-rooms.ts`.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { readTypeScript, type TsFile } from './layers/ts-file.js';
import { checkC } from './layers/c-rooms.js';
import { findCycles } from './layers/cycles.js';
import { longFiles } from './layers/long-files.js';
import { checkBench } from './layers/bench.js';
import { mayImport, roomOf, type Violation } from './layers/roads.js';

/** A file may import from its own room and from rooms to its left in one of these roads. */
const ROADS = [
  ['errors', 'net', 'counters', 'native', 'mangler', 'espinudp', 'log', 'report', 'commands', 'cli'],
  ['errors', 'net', 'rules', 'tunnel', 'doctor', 'trace', 'log', 'host', 'commands', 'cli'],
  // Locks, for which Node has no call, which network namespace this is, and what no firewall tool does.
  ['errors', 'counters', 'native', 'host', 'commands', 'cli'],
  ['errors', 'capture', 'cli'],
  // Pure; the bench takes it as well.
  ['errors', 'capacity', 'commands', 'cli'],
  // The public names; imported by nothing.
  ['errors', 'net', 'counters', 'native', 'mangler', 'espinudp', 'index'],
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

/** Everything that is wrong with the house in `root`. */
export function checkLayers(root: string): Violation[] {
  const ts = readTypeScript(path.join(root, 'src'));
  const bench = readTypeScript(path.join(root, 'bench'));
  const cyclesIn = (folder: string, files: readonly TsFile[]): Violation[] =>
    findCycles(files).map((cycle) => ({
      where: `${folder}/${cycle[0] ?? ''}`,
      what: `imports itself through ${cycle.slice(1).join(', ')}`,
      rule: 'no import cycles',
    }));
  const cycles = [...cyclesIn('src', ts), ...cyclesIn('bench', bench)];
  const long = longFiles(root).map(({ file, lines }) => ({
    where: file,
    what: `has ${lines} lines`,
    rule: 'no file is longer than 300 lines',
  }));
  return [...checkImports(ts), ...checkBench(bench), ...cycles, ...checkC(path.join(root, 'csrc')), ...long];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const violations = checkLayers(process.argv[2] ?? path.join(import.meta.dirname, '..'));
  for (const { where, what, rule } of violations) console.error(`${where}: ${what}: ${rule}`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
