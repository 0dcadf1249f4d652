/** Medians with their spread, over the rounds of a run. Pure. */
import { survivedName } from './catalogue.js';
import type { Cell, Results } from './results.js';

/** Of the rounds: the middle one, and the least and greatest. */
export interface Spread {
  median: number;
  min: number;
  max: number;
  rounds: number;
}

/** The middle of the values, or the mean of the two in the middle. @throws RangeError when there are none */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (min === undefined || max === undefined) throw new RangeError('no values, no median');
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
  return { median, min, max, rounds: sorted.length };
}

/** The cells of one contender under one load, a round each. */
export function cellsOf({ cells }: Results, load: string, contender: string): Cell[] {
  return cells.filter((cell) => cell.load === load && cell.contender === contender);
}

/**
 * The cells that speak for a contender: those under the load, or, when it ended by itself under it in any round, those
 * at the highest rate that it survived. What it did in the other rounds was luck.
 */
export function standing(results: Results, load: string, contender: string): Cell[] {
  const cells = cellsOf(results, load, contender);
  if (cells.every(({ ended }) => ended === undefined)) return cells;
  return cellsOf(results, survivedName(load), contender);
}

/** A figure of a cell; undefined when the cell has none of the kind. */
export type Measure = (cell: Figures) => number | undefined;

/** What a cell holds besides its name. */
type Figures = Omit<Cell, 'load' | 'contender' | 'round'>;

/** A figure over the rounds; undefined when no round has it. */
export function over(cells: readonly Cell[], measure: Measure): Spread | undefined {
  const values = cells.map(measure).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : spread(values);
}

/**
 * How many times one contender's figure is another's, compared round by round: whatever slows the machine down
 * slows both of a round.
 */
export function ratio(
  results: Results,
  load: string,
  [one, other]: [string, string],
  measure: Measure,
): Spread | undefined {
  return ratioAcross(results, [load, one], [load, other], measure);
}

/** The same of two loads: each with its contender. */
export function ratioAcross(
  results: Results,
  one: [load: string, contender: string],
  other: [load: string, contender: string],
  measure: Measure,
): Spread | undefined {
  const values: number[] = [];
  const mates = standing(results, ...other);
  for (const cell of standing(results, ...one)) {
    const mate = mates.find(({ round }) => round === cell.round);
    const [above, below] = [measure(cell), mate && measure(mate)];
    if (above !== undefined && below !== undefined && below !== 0) values.push(above / below);
  }
  return values.length === 0 ? undefined : spread(values);
}

/** The best round of one over the best of the other: noise only slows, so this is nearest to what each can do. */
export function bestAcross(
  results: Results,
  one: [load: string, contender: string],
  other: [load: string, contender: string],
  { measure, less = false }: { measure: Measure; less?: boolean },
): number | undefined {
  const best = (of: [string, string]): number | undefined => {
    const seen = over(standing(results, ...of), measure);
    return less ? seen?.min : seen?.max;
  };
  const [above, below] = [best(one), best(other)];
  return above === undefined || below === undefined || below === 0 ? undefined : above / below;
}
