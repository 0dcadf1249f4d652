/**
 * Applies a plan, item by item: journal, commands, look again. Whatever keeps it from being finished, what this run
 * has done is undone in reverse.
 */
import { ClearDfError } from '../../errors.js';
import { NO_DIFFERENCE, stepOf } from '../../tunnel/difference.js';
import type { Facts } from '../../tunnel/facts.js';
import type { Item } from '../../tunnel/item.js';
import type { Site } from '../../tunnel/site/site.js';
import { NoAnswerError } from '../exec.js';
import { converge, refuseStop } from './converge.js';
import { differenceOf } from './former.js';
import { rollBack } from './roll-back.js';
import { recorded } from './shared.js';
import type { Change, Steps } from './steps.js';

/**
 * Refuses a plan that conflicts with objects of others.
 * @throws ClearDfError CONFLICT that names the place in the site file
 */
export function refuseConflicts(
  items: readonly Item[],
  facts: Facts,
  site: Pick<Site, 'file' | 'name'>,
  difference = NO_DIFFERENCE,
): void {
  for (const item of items) {
    const status = item.status(facts);
    if (status.state !== 'conflict' || stepOf(item, facts, difference).how !== 'refused') continue;
    throw new ClearDfError({
      code: 'CONFLICT',
      operation: 'set up tunnel',
      object: `${site.name} (${site.file}): ${item.key}`,
      reason: status.observed,
      hint: status.hint ?? 'nothing was changed; remove it, or choose another name in the file',
    });
  }
}

/**
 * Applies every item that is not in sync. What an earlier version of the file has made and the plan does not want is left,
 * but for tunnel devices in the place of which another comes.
 * @returns the changes, in order
 * @throws ClearDfError why it could not be finished; then it is as it was when this run began, or the journal knows
 *   what is left
 */
export async function applyItems(items: readonly Item[], steps: Steps): Promise<Change[]> {
  const changes: Change[] = share(items, steps);
  const { machine, journal, origin, former } = steps;
  const difference = differenceOf(items, { journal, facts: machine.facts, origin, former });
  try {
    await converge(items, difference, steps, changes);
  } catch (error) {
    await rollBack(changes, items, steps);
    // A command that was ended for the sake of the signal.
    if (error instanceof NoAnswerError) refuseStop(steps.stopping);
    throw error;
  }
  const unwanted = new Set(difference.unwanted.map(({ key }) => key));
  for (const { key } of items) if (!unwanted.has(key)) journal.made(key);
  return changes;
}

/** What another tunnel has made and this one shares is recorded first, and so undone last. */
function share(items: readonly Item[], { machine, journal, others = [] }: Steps): Change[] {
  const unrecorded = items.filter((item) => {
    return journal.entry(item.key) === undefined && item.status(machine.facts).state === 'in-sync';
  });
  const shared = unrecorded.flatMap((item) => {
    const entry = recorded(item.key, others);
    return entry === undefined ? [] : [{ item, entry }];
  });
  journal.share(shared.map(({ entry }) => entry));
  // This run has only written them down.
  return shared.map(({ item, entry }) => ({ item, undo: [], observed: entry.observed, known: false }));
}
