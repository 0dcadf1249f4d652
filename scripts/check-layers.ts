/**
 * The layers of the sources, proven: `npx tsx scripts/check-layers.ts [--picture]`.
 *
 * Imports of `src/`, `bench/` and `scripts/` are judged by dependency-cruiser, by the rules of `layers/orders.ts`; `csrc/`
 * has orders of its own, `layers/c-rooms.ts`. With `--picture` the picture of docs/architecture.md is drawn again.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { checkC } from './layers/c-rooms.js';
import { longFiles } from './layers/long-files.js';
import { pictureIsCurrent, writePicture } from './layers/picture.js';
import { forbidden, placeOf, ORDERS, type Violation } from './layers/orders.js';
import { readTypeScript } from './layers/ts-file.js';
import { unusedExports } from './layers/unused-exports.js';

/** Only this room reads the machine through these file systems; what a process itself has mapped is not the machine's. */
const MACHINE_ROOM = 'host';
const MACHINE_PATH = /^\/(proc(?!\/self\/maps$)|sys)(\/\S*)?$/;

/** The import graph of the project in `root`, judged. */
async function readGraph(root: string): Promise<ICruiseResult> {
  const { output } = await cruise(
    ['src', 'bench', 'scripts'].filter((folder) => readTypeScript(path.join(root, folder)).length > 0),
    {
      baseDir: root,
      ruleSet: { forbidden: forbidden() },
      validate: true,
      tsPreCompilationDeps: true,
      doNotFollow: { path: '(^|/)(node_modules|dist|test)/' },
      exclude: { path: '(^|/)node_modules/' },
    },
  );
  return output as ICruiseResult;
}

function checkImports({ summary }: ICruiseResult): Violation[] {
  return summary.violations.map(({ from, to, rule, cycle }) => ({
    where: from,
    what: cycle === undefined ? `imports ${to}` : `imports itself through ${cycle.map(({ name }) => name).join(', ')}`,
    rule: rule.name,
  }));
}

function checkRooms({ modules }: ICruiseResult): Violation[] {
  return modules.flatMap(({ source }) => {
    const [folder, room] = placeOf(source);
    const orders = ORDERS[folder];
    if (orders === undefined || orders.some((order) => order.includes(room))) return [];
    return [{ where: source, what: `room '${room}'`, rule: 'every room has its place in an order: add it to ORDERS' }];
  });
}

function checkMachine(root: string): Violation[] {
  return readTypeScript(path.join(root, 'src')).flatMap(({ name, strings }) =>
    placeOf(`src/${name}`)[1] === MACHINE_ROOM
      ? []
      : strings
          .filter(({ text }) => MACHINE_PATH.test(text))
          .map(({ line, text }) => ({
            where: `src/${name}:${line}`,
            what: `names '${text}'`,
            rule: `only src/${MACHINE_ROOM} reads /proc and /sys`,
          })),
  );
}

/** Everything that is wrong with the layers of the project in `root`. */
export async function checkLayers(root: string, graph?: ICruiseResult): Promise<Violation[]> {
  const read = graph ?? (await readGraph(root));
  const long = longFiles(root).map(({ file, lines }) => ({
    where: file,
    what: `has ${lines} lines`,
    rule: 'no file is longer than 300 lines',
  }));
  return [
    ...checkImports(read),
    ...checkRooms(read),
    ...checkMachine(root),
    ...checkC(path.join(root, 'csrc')),
    ...long,
  ];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = path.join(import.meta.dirname, '..');
  const graph = await readGraph(root);
  const violations = await checkLayers(root, graph);
  if (process.argv[2] === '--picture') writePicture(root, graph);
  else if (!pictureIsCurrent(root, graph)) {
    const [what, rule] = [
      'its picture is of other imports',
      'npx tsx scripts/check-layers.ts --picture draws it again',
    ];
    violations.push({ where: 'docs/architecture.md', what, rule });
  }
  for (const { file, name } of unusedExports(root)) {
    violations.push({ where: file, what: `exports ${name}`, rule: 'exported is only what another file imports' });
  }
  for (const { where, what, rule } of violations) console.error(`${where}: ${what}: ${rule}`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
