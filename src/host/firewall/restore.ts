/** Puts back what the first rule had to change, once the last one that needs it is gone. */
import * as iptables from '../../rules/iptables.js';
import { ClearDfError } from '../../errors.js';
import { isAbsent, type Runner } from '../exec.js';
import { type Contents } from './backends.js';
import { stopCallingIptables } from './bridge.js';
import { removeHollowTable } from './iptables.js';
import { joined, type SavedState, readSaved, writeSaved } from './saved-state.js';

/**
 * @param all what every backend held before the removal
 * @param holders those from which `name`'s rules were removed
 * @param ours what the run that ends has changed itself; it is put back also when its rules are gone already
 * @returns why something stays as it is
 */
export async function restore(
  runner: Runner,
  all: readonly Contents[],
  holders: readonly Contents[],
  name: string,
  ours: SavedState,
): Promise<string[]> {
  const left = all.flatMap((contents) => {
    const taken = holders.includes(contents);
    return iptables
      .ownedRules(contents.save)
      .flatMap((rule) => (taken && rule.name === name ? [] : [{ rule, contents }]));
  });
  const notes: string[] = [];
  const memory = joined(ours, remembered(notes));
  // Rules that could not be read may need it yet. A user who may never read them goes by what it has changed itself.
  const blind = all.filter(
    ({ backend, error }) => backend !== 'nft' && error !== undefined && error.code !== 'PRIVILEGE' && !isAbsent(error),
  );
  if (blind.length > 0 && Object.values(memory).some((value) => value !== undefined)) {
    const which = blind.map(({ backend }) => backend).join(', ');
    notes.push(`kernel settings stay as they are: whether rules in ${which} need them is not known`);
  } else {
    await putBack(runner, memory, left);
  }
  try {
    if (!runner.dryRun) writeSaved(memory);
  } catch (error) {
    note(notes, error);
  }
  return notes;
}

interface Left {
  contents: Contents;
  rule: iptables.SavedRule;
}

/** Takes out of the memory what it has put back. */
async function putBack(runner: Runner, memory: SavedState, left: readonly Left[]): Promise<void> {
  if (memory.createdMangle && !left.some(({ contents }) => contents.backend === 'iptables-nft')) {
    await removeHollowTable(runner);
    memory.createdMangle = undefined;
  }
  if (
    memory.bridgeNfCallIptables !== undefined &&
    !left.some(({ rule }) => rule.words.includes('--physdev-is-bridged'))
  ) {
    await stopCallingIptables(runner);
    memory.bridgeNfCallIptables = undefined;
  }
}

function remembered(notes: string[]): SavedState {
  try {
    return readSaved();
  } catch (error) {
    note(notes, error);
    return {};
  }
}

function note(notes: string[], error: unknown): void {
  if (!(error instanceof ClearDfError)) throw error;
  const words = `what was there before the rules is not known, and stays as it is: ${error.message}`;
  if (!notes.includes(words)) notes.push(words);
}
