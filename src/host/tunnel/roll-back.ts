/** After a step that failed: the machine as this run found it. */
import { ClearDfError } from '../../errors.js';
import { isSealing, isSending, type Item } from '../../tunnel/item.js';
import { sysctlKey } from '../../tunnel/items/sysctl.js';
import { converge } from './converge.js';
import { changingKeys, differenceOf } from './former.js';
import type { Change, Steps } from './steps.js';
import { undoChange } from './undo.js';

/**
 * Puts back what this run has changed. Where the tunnel was up from another version of the file, that plan is applied
 * again, and what only the new one had goes behind it; otherwise in reverse. Never throws what a command says.
 * @param items the plan that was being applied
 */
export async function rollBack(changes: readonly Change[], items: readonly Item[], steps: Steps): Promise<void> {
  const { former, journal, log } = steps;
  if (former === undefined) {
    await putBack(changes, steps);
    return;
  }
  log.warn('going back to the earlier version of the file');
  try {
    const machine = await former.machine();
    await machine.look('all');
    // As things stand, the plan that failed is the former one.
    const from = { ...former, items, stood: new Set<string>(), machine: async () => machine };
    const difference = differenceOf(former.items, { journal, facts: machine.facts, former: from });
    journal.adopt(former.site, former.before, changingKeys(former.items, machine.facts, difference));
    const back = { ...steps, machine, former: from, stopping: () => undefined };
    // What was not so when this run began is no business of it.
    await converge(
      former.items.filter(({ key }) => former.stood.has(key)),
      difference,
      back,
      [],
    );
    for (const key of former.stood) journal.made(key);
    await putBack(
      changes.filter(({ item, known }) => !(known && former.stood.has(item.key))),
      steps,
    );
    log.info(`tunnel ${journal.name} is up from the earlier version of the file`);
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    log.error(`not as the earlier version of the file has it: ${error.message}`);
    sayKept(steps);
  }
}

/** In reverse. */
async function putBack(changes: readonly Change[], steps: Steps): Promise<void> {
  if (changes.length === 0) return;
  const { machine, journal, log } = steps;
  log.warn(`rolling back ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}`);
  await machine.look('all').catch((error: unknown) => log.error(`the machine could not be read: ${String(error)}`));
  const made = new Set(journal.entries.filter(({ state }) => state === 'applied').map(({ key }) => key));
  const settled = (sysctl: string) => made.has(sysctlKey(sysctl));
  let [sends, incomplete] = [false, false];
  for (const { item, undo, observed, known } of [...changes].reverse()) {
    if (sends && isSealing(item.kind)) {
      log.error(`not rolled back: ${item.key}: frames of the tunnel device would leave unencrypted`);
      continue;
    }
    // The next one is put back whatever becomes of this one, also where the journal cannot be written any more.
    try {
      const change = { key: item.key, undo, observed, item, certain: false, settled, incomplete };
      const failure = await undoChange(change, machine, log);
      if (failure !== undefined) {
        log.error(`not rolled back: ${item.key}: ${failure}`);
        sends ||= isSending(item.kind);
        incomplete = true;
      } else if (!known) journal.drop(item.key);
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      log.error(`perhaps not rolled back: ${item.key}: ${error.message}`);
    }
  }
  if (journal.entries.length === 0) journal.remove();
  else if (steps.former === undefined) sayKept(steps);
}

function sayKept({ journal, log }: Steps): void {
  log.warn(`the journal keeps ${journal.entries.length} changes for clear-df tunnel down`);
}
