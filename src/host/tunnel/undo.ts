/** One change put back. */
import { ClearDfError } from '../../errors.js';
import type { Facts } from '../../tunnel/facts.js';
import { type Command, type Item, unmet } from '../../tunnel/item.js';
import type { Machine } from './machine.js';
import { neededBy } from './reread.js';

interface ChangeToUndo {
  key: string;
  undo: readonly Command[];
  /** How it was before. */
  observed: string;
  /** Judges how it stands; undefined when the plan knows it no longer. */
  item: Item | undefined;
  /** Whether the change is known to be there whole, so that every command must find something to do. */
  certain: boolean;
  /** Whether a parameter that a command depends on is as we left it, or as someone has set it since; default: yes. */
  settled?: (sysctl: string) => boolean;
  /** Something of ours could not be put back: that may be what relies on this; default: no. */
  incomplete?: boolean;
}

/**
 * Runs the commands that put a change back. Of a change that may be half made, or half undone, a command may find
 * nothing to do: then it is the result that counts.
 * @returns why it is not as it was before, or undefined
 */
export async function undoChange(
  { key, undo, observed, item, certain, settled, incomplete = false }: ChangeToUndo,
  machine: Machine,
  log: { debug(message: string): void; info(message: string): void },
): Promise<string | undefined> {
  if (undo.length === 0 || (!certain && isAs(observed, item, await machine.look()))) return undefined;
  log.info(`put back: ${key}`);
  const failures: string[] = [];
  const excuses: string[] = [];
  for (const command of undo) {
    if (command.onlyWhile !== undefined) {
      const reason = unmet(command, await machine.look(neededBy(command.onlyWhile)), settled);
      if (reason !== undefined) {
        if (incomplete) failures.push(reason);
        log.info(`${key} stays: ${reason}`);
        continue;
      }
    }
    try {
      const { excuse } = await machine.perform(command);
      if (excuse !== undefined) log.info(`${key}: ${excuse}`);
      if (excuse !== undefined) excuses.push(excuse);
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      failures.push(error.message);
    }
  }
  if (failures.length === 0 && excuses.length === 0) return undefined;
  const facts = await machine.look();
  // A removal that found nothing to remove is fine; one after which the thing is still there is not. Modules may stay.
  if (item?.kind !== 'module' && item?.status(facts).state === 'in-sync') failures.push(...excuses);
  if (failures.length === 0 || isAs(observed, item, facts)) return undefined;
  return failures.join('; ');
}

/** Whether it stands as it was found before the change. */
function isAs(observed: string, item: Item | undefined, facts: Facts): boolean {
  const status = item?.status(facts);
  return status !== undefined && status.state !== 'in-sync' && status.observed === observed;
}
