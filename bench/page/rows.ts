/** Who has figures under a load, and which. Pure. */
import { contenderInfo, LOADS } from '../record/catalogue.js';
import type { Cell, Results } from '../record/results.js';
import { cellsOf, type Measure, over, type Spread, standing } from '../record/statistics.js';

export interface Row {
  contender: string;
  /** The contender's title, and that it is its figure at a lower load where it ended under this one. */
  label: string;
  /** These are not its figures, but what came of a load under which it ended. */
  ended: boolean;
  cells: readonly Cell[];
}

/**
 * The rows of a load, in the catalogue's order. One that ended by itself under it has what it did at the highest rate
 * that it survived; of datagrams also what came of the load under which it ended.
 */
export function rowsOf(results: Results, loadName: string): Row[] {
  const load = LOADS.find(({ name }) => name === loadName);
  const counted = load?.kind === 'datagrams' && load.latency === undefined;
  const rows = (load?.contenders ?? []).flatMap((contender): Row[] => {
    const { title } = contenderInfo(contender);
    const cells = cellsOf(results, loadName, contender);
    const dead = cells.filter(({ ended }) => ended !== undefined);
    if (dead.length === 0) return [{ contender, label: title, ended: false, cells }];
    const best = { contender, label: `${title} *`, ended: false, cells: standing(results, loadName, contender) };
    return counted ? [best, { contender, label: `${title}, ended`, ended: true, cells: dead }] : [best];
  });
  return rows.filter(({ cells }) => cells.length > 0);
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
      `\\* ${title} ended by itself in ${times}: ${first.reason}, ${after.median.toFixed(2)} s after the load began. From then on packets went by it, DF and all.`,
    ];
  });
}

/** A row's figure over the rounds. */
export function figure(row: Row, measure: Measure): Spread | undefined {
  return over(row.cells, measure);
}
