/** What `npm test` has no time for, `npm run test:all` runs. */

/** Whether this is such a run. */
export const MORE = process.env['CLEAR_DF_MORE'] === '1';

/** Variants of one test: all of them where there is time, else the first alone. */
export function variants<T>(first: T, ...others: T[]): T[] {
  return someOf([first, ...others]);
}

/** The same of a list that is made elsewhere. */
export function someOf<T>(all: readonly T[]): T[] {
  return all.slice(0, MORE ? all.length : 1);
}
