/** Journals whose tunnel is gone: of a network namespace whose number is used again, or taken apart by hand. */
import type { Facts } from '../../tunnel/facts.js';
import type { Item } from '../../tunnel/item.js';
import type { Journal } from './journal.js';

/**
 * Whether nothing that the journal tells of is there any more. Modules do not count: they are everyone's.
 * @param items the plan that the journal's site makes
 */
export function isLeftOver(journal: Journal, items: readonly Item[], facts: Facts): boolean {
  return journal.entries.every(({ key, kind, state, found }) => {
    if (kind === 'module') return true;
    const standing = items.find((item) => item.key === key)?.standing(facts);
    if (standing === undefined || standing.state === 'so') return false;
    return state === 'made' || standing.found === found;
  });
}
