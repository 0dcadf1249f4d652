/** Takes away what an earlier plan made, while the tunnel stays up. */
import { ClearDfError } from '../../errors.js';
import { isSealing, isSending, type Item } from '../../tunnel/item.js';
import { differenceOf, type Former } from './former.js';
import type { Entry, Journal } from './journal.js';
import { type Others, userOf } from './shared.js';
import { inPlanOrder, isOurs, isSent } from './take-down.js';
import type { Steps, TunnelLogger } from './steps.js';
import { undoChange } from './undo.js';

/**
 * What cannot be taken away stays in the journal, for `down`, and with it what keeps its frames from leaving unencrypted.
 * @param former the plan that the entries belong to, as far as it can still be made, and the machine as it sees it
 * @returns how many are left
 */
export async function removeUnwanted(
  entries: readonly Entry[],
  former: Forgotten,
  { journal, others = [], log }: { journal: Journal; others?: Others; log: TunnelLogger },
): Promise<number> {
  if (entries.length === 0) return 0;
  const machine = await former.machine();
  const itemOf = (key: string) => former.items.find((one) => one.key === key);
  // All are judged before the first is undone.
  const ours = new Set(entries.filter((entry) => isOurs(entry, itemOf(entry.key), machine.facts, log)));
  let left = 0;
  // A device that is left alone goes on sending.
  let sends = entries.some((entry) => !ours.has(entry) && isSent(entry, machine.facts));
  // What leaves before what arrives, as they were made the other way round.
  for (const entry of inPlanOrder(entries, former.order).reverse()) {
    const { key, kind, undo, observed } = entry;
    if (!ours.has(entry) || userOf(key, others) !== undefined) {
      journal.drop(key);
      continue;
    }
    let failure: string | undefined;
    try {
      if (sends && isSealing(kind)) failure = 'frames of the tunnel device would leave unencrypted';
      // Not certain: whoever was faster with it has done no harm.
      else {
        const change = { key, undo, observed, item: itemOf(key), certain: false, incomplete: left > 0 };
        failure = await undoChange(change, machine, log);
      }
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      failure = error.message;
    }
    if (failure === undefined) {
      journal.drop(key);
      continue;
    }
    log.error(`not removed: ${key}: ${failure}`);
    sends ||= isSending(kind);
    left += 1;
  }
  return left;
}

/** What is known of unwanted entries. */
interface Forgotten extends Pick<Former, 'items' | 'machine'> {
  /** A plan whose order they were made in. */
  order: readonly Item[];
}

/** @param items the new plan: of a change that was cut short, nobody knows the old one any more */
export function formerly(items: readonly Item[], { former, machine }: Pick<Steps, 'former' | 'machine'>): Forgotten {
  if (former !== undefined && former.items.length > 0) return { ...former, order: former.items };
  return { items: [], machine: async () => machine, order: items };
}

/**
 * What only the earlier version of the file wanted, once the new one is whole: what comes by old associations until then is
 * still opened, and old guards go last of all.
 * @param items the new plan
 * @returns how much that was
 */
export async function removeFormer(items: readonly Item[], steps: Steps): Promise<number> {
  const { log, journal, machine, origin, former } = steps;
  const { unwanted } = differenceOf(items, { journal, facts: machine.facts, origin, former });
  const entries = unwanted.flatMap(({ key }) => journal.entry(key) ?? []);
  const left = await removeUnwanted(entries, formerly(items, steps), steps);
  if (left > 0)
    log.warn(`${left} changes of the earlier version of the file are left; clear-df tunnel down removes them`);
  return entries.filter(({ undo }) => undo.length > 0).length - left;
}
