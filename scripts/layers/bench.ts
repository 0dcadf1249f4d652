/** The ladder of `bench/`: what a run leaves is pure, and so is the page that is made of it. */
import { mayImport, roomOf, type Violation } from './roads.js';
import type { TsFile } from './ts-file.js';

const BENCH_ROADS = [
  ['record', 'page', 'main'],
  ['record', 'lab', 'contenders', 'loads', 'rounds', 'main'],
  ['record', 'lab', 'contenders', 'loads', 'check', 'main'],
  ['record', 'lab', 'contenders', 'loads', 'model', 'main'],
  ['record', 'arguments', 'main'],
];

/** Who climbs it the wrong way. The bench may use `test/helpers`, as the scripts do. */
export function checkBench(files: readonly TsFile[]): Violation[] {
  return files.flatMap((file) => {
    const room = roomOf(file.name);
    const where = (line: number): string => `bench/${file.name}:${line}`;
    if (!BENCH_ROADS.some((road) => road.includes(room))) {
      return [
        { where: where(1), what: `room '${room}'`, rule: 'every room has its place in a road: add it to BENCH_ROADS' },
      ];
    }
    return file.imports
      .filter(({ target }) => target?.startsWith('../') === false && !mayImport(BENCH_ROADS, room, roomOf(target)))
      .map(({ line, specifier, target = '' }) => ({
        where: where(line),
        what: `imports '${specifier}'`,
        rule: `${roomOf(target)} is not to the left of ${room} in any road of the bench`,
      }));
  });
}
