/** One change of the rules of a network namespace at a time, whichever instance's: they share what stands around them. */
import path from 'node:path';
import { ClearDfError } from '../../errors.js';
import { ENDING_MS, type Runner } from '../exec.js';
import { type Lock, waitForLock } from '../lock.js';
import { isShortage } from '../shortage.js';
import { STATE_FOLDER } from '../state.js';
import { namespaceInode } from '../tunnel/paths.js';

/** A firewall tool that hangs is ended after a minute; some wait for each other. */
const WAIT_MS = 180_000;

/**
 * Looks and changes while no other clear-df does. Tools that `work` starts hold the lock as well, so that what a killed
 * process has left under way is over before the next one looks.
 * @param log hears whom it waits for, and why there is no lock where `/run` cannot be written
 * @throws ClearDfError CONFLICT when the other one does not come to an end, and whatever `work` throws
 */
export async function underRulesLock<T>(
  runner: Runner,
  log: { info(words: string): void; warn(words: string): void },
  work: () => Promise<T>,
): Promise<T> {
  const lock = runner.dryRun ? undefined : await take(runner, log);
  try {
    return await work();
  } finally {
    lock?.release();
  }
}

async function take(
  { stop }: Runner,
  log: { info(words: string): void; warn(words: string): void },
): Promise<Lock | undefined> {
  const file = path.join(STATE_FOLDER, `rules-${namespaceInode()}.lock`);
  // A run that ends has to take its rules away: it waits for the lock as long as it gives each of its last commands.
  const patience = stop?.aborted === true ? { limit: ENDING_MS } : { limit: WAIT_MS, stop };
  try {
    return await waitForLock(
      { what: 'the rules of this network namespace', file },
      { ...patience, tell: (words) => log.info(words) },
    );
  } catch (error) {
    if (!(error instanceof ClearDfError) || error.code === 'CONFLICT' || isShortage(error)) throw error;
    log.warn(`the rules are changed without a lock: ${error.message}`);
    return undefined;
  }
}
