/** Linear least squares of relative errors, for unknowns that cannot be negative. Pure. */

/** A measurement: `value` is the sum of the unknowns, each times its factor. */
export interface Row<Name extends string> {
  factors: Readonly<Partial<Record<Name, number>>>;
  /** Greater than 0. */
  value: number;
}

/** Of a column of length 1: when so little of it is its own, it says nothing that the others do not. */
const OWN = 1e-9;

/**
 * The unknowns that make the sum of squared relative errors least. One that the rows say nothing about, and one that
 * would come out negative, is 0.
 * @throws RangeError when a value is not greater than 0
 */
export function leastSquares<Name extends string>(
  rows: readonly Row<Name>[],
  names: readonly Name[],
): Record<Name, number> {
  if (!rows.every(({ value }) => value > 0)) throw new RangeError('every measured value has to be greater than 0');
  const columns = names.map((name) => rows.map(({ factors, value }) => (factors[name] ?? 0) / value));
  const lengths = columns.map((column) => Math.sqrt(dot(column, column)));
  let free = names.map((_, i) => i).filter((i) => (lengths[i] as number) > 0);
  for (;;) {
    const scaled = free.map((i) => (columns[i] as number[]).map((x) => x / (lengths[i] as number)));
    const found = solve(scaled);
    const least = Math.min(0, ...found);
    if (least === 0) {
      const values = new Map(free.map((i, k) => [i, (found[k] as number) / (lengths[i] as number)]));
      return Object.fromEntries(names.map((name, i) => [name, values.get(i) ?? 0])) as Record<Name, number>;
    }
    free = free.filter((_, k) => found[k] !== least);
  }
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
}

/** The factors of the columns whose sum comes nearest to 1 in every row: Gram and Schmidt, then backwards. */
function solve(columns: readonly number[][]): number[] {
  const count = columns.length;
  const axes: (number[] | undefined)[] = [];
  const shares = columns.map((column, k) => {
    let rest = [...column];
    const share = new Array<number>(count).fill(0);
    // Twice: what rounding has left of the first time goes in the second.
    for (let turn = 0; turn < 2; turn++) {
      for (let i = 0; i < k; i++) {
        const axis = axes[i];
        if (axis === undefined) continue;
        const along = dot(axis, rest);
        share[i] = (share[i] as number) + along;
        rest = rest.map((x, row) => x - along * (axis[row] as number));
      }
    }
    const length = Math.sqrt(dot(rest, rest));
    axes.push(length < OWN ? undefined : rest.map((x) => x / length));
    share[k] = length;
    return share;
  });
  const found = new Array<number>(count).fill(0);
  for (let k = count - 1; k >= 0; k--) {
    const axis = axes[k];
    if (axis === undefined) continue;
    let along = axis.reduce((sum, x) => sum + x, 0);
    for (let j = k + 1; j < count; j++) along -= (found[j] as number) * ((shares[j] as number[])[k] as number);
    found[k] = along / ((shares[k] as number[])[k] as number);
  }
  return found;
}
