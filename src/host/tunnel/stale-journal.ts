/** Journals whose tunnel is gone, where nothing shows whether they are of this network namespace. */
import type { Facts } from '../../tunnel/facts.js';
import type { Item } from '../../tunnel/item.js';
import type { Journal } from './journal.js';

/**
 * Whether nothing that the journal names exists any more. What cannot be judged does not count, and neither do
 * modules and kernel parameters: they may be anyone's.
 * @param items the plan that the journal's own site makes
 */
export function isStale(journal: Journal, items: readonly Item[], facts: Facts): boolean {
  const judged = journal.entries.flatMap(({ key, kind, state, observed }) => {
    const status = items.find((item) => item.key === key)?.status(facts);
    if (status === undefined || kind === 'module' || kind === 'sysctl') return [];
    return [status.state !== 'in-sync' && (state === 'applied' || status.observed === observed)];
  });
  return judged.length > 0 && judged.every(Boolean);
}
