/** Takes away what an earlier plan made, while the tunnel stays up. */
import { ClearDfError } from '../../errors.js';
import type { Item } from '../../tunnel/item.js';
import type { TunnelLogger } from './apply.js';
import type { Entry, Journal } from './journal.js';
import type { Machine } from './machine.js';
import { type Others, userOf } from './shared.js';
import { undoChange } from './undo.js';

/**
 * What cannot be taken away stays in the journal, for `down`.
 * @param items the plan that the entries belong to, as far as it can still be made
 * @returns how many are left
 */
export async function removeStale(
  entries: readonly Entry[],
  items: readonly Item[],
  { machine, journal, others = [], log }: { machine: Machine; journal: Journal; others?: Others; log: TunnelLogger },
): Promise<number> {
  let left = 0;
  // What leaves before what arrives, as they were made the other way round.
  for (const { key, undo, observed } of [...entries].reverse()) {
    const item = items.find((one) => one.key === key);
    if (userOf(key, others) !== undefined) {
      journal.drop(key);
      continue;
    }
    try {
      // Not certain: whoever was faster with it has done no harm.
      const failure = await undoChange({ key, undo, observed, item, certain: false }, machine, log);
      if (failure === undefined) {
        journal.drop(key);
        continue;
      }
      log.error(`not removed: ${key}: ${failure}`);
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      log.error(`perhaps not removed: ${key}: ${error.message}`);
    }
    left += 1;
  }
  return left;
}
