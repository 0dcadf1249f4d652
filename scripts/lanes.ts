/** Work on a list, several at once. */

/**
 * Each of the list once, in its order, by as many at once as there are lanes.
 * @param work gets the number of its lane too, from 0: what a lane keeps for itself is told apart by it
 * @returns what came of each, in the order of the list
 */
export async function inLanes<T, R>(
  list: readonly T[],
  lanes: number,
  work: (one: T, lane: number) => Promise<R>,
): Promise<R[]> {
  const waiting = list.entries();
  const results: R[] = [];
  const run = async (_: unknown, lane: number) => {
    for (const [at, one] of waiting) results[at] = await work(one, lane);
  };
  await Promise.all(Array.from({ length: lanes }, run));
  return results;
}
