/** Work on a list, several at once. */

/**
 * Each of the list once, in its order, by as many at once as there are lanes.
 * @param work gets the number of its lane too, from 0: what a lane keeps for itself is told apart by it
 */
export async function inLanes<T>(
  list: readonly T[],
  lanes: number,
  work: (one: T, lane: number) => Promise<void>,
): Promise<void> {
  const waiting = list.values();
  const run = async (_: unknown, lane: number) => {
    for (const one of waiting) await work(one, lane);
  };
  await Promise.all(Array.from({ length: lanes }, run));
}
