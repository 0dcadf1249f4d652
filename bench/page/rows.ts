/** Who has figures under a load, and which. Pure. */
import { contenderInfo, LOADS } from '../record/catalogue.js';
import type { Cell, Results } from '../record/results.js';
import { cellsOf, type Measure, over, type Spread, standing } from '../record/statistics.js';

export interface Row {
  contender: string;
  /** The contender's title, and that it is its figure at a lower load where it ended under this one. */
  label: string;
  cells: readonly Cell[];
}

/**
 * The rows of a load, in the catalogue's order. One that ended by itself under it has two: with what it did at the
 * highest rate that it survived, and until it ended.
 */
export function rowsOf(results: Results, loadName: string): Row[] {
  const load = LOADS.find(({ name }) => name === loadName);
  return (load?.contenders ?? [])
    .flatMap((contender) => {
      const { title } = contenderInfo(contender);
      const cells = cellsOf(results, loadName, contender);
      const dead = cells.filter(({ ended }) => ended !== undefined);
      if (dead.length === 0) return [{ contender, label: title, cells }];
      return [
        { contender, label: `${title} *`, cells: standing(results, loadName, contender) },
        { contender, label: `${title}, until it ended`, cells: dead },
      ];
    })
    .filter(({ cells }) => cells.length > 0);
}

/** What became of those that ended by themselves under a load, a sentence each. */
export function endings(results: Results, loadName: string): string[] {
  const load = LOADS.find(({ name }) => name === loadName);
  return (load?.contenders ?? []).flatMap((contender) => {
    const cells = cellsOf(results, loadName, contender);
    const ended = cells.flatMap((cell) => (cell.ended === undefined ? [] : [cell.ended]));
    const [first] = ended;
    if (first === undefined) return [];
    const after = over(cells, (cell) => cell.ended?.after) as Spread;
    const { title } = contenderInfo(contender);
    const times = `${ended.length} of ${cells.length} rounds`;
    return [
      `\\* ${title} ended by itself in ${times}: ${first.reason}, ${after.median.toFixed(1)} s after the load began.`,
    ];
  });
}

/** A row's figure over the rounds. */
export function figure(row: Row, measure: Measure): Spread | undefined {
  return over(row.cells, measure);
}
