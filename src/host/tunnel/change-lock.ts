/**
 * One change of tunnels at a time in a network namespace, whichever tunnel it is: who still uses what they share is
 * told from all of their journals.
 */
import { type Lock, waitForLock } from '../lock.js';
import { changeLockFile } from './paths.js';

/** At boot, many tunnels come up one after the other. */
const WAIT_MS = 600_000;

/**
 * Waits until no other tunnel is being changed.
 * @throws ClearDfError as `waitForLock`
 */
export function takeChangeLock(log: { info(message: string): void }, stop?: AbortSignal): Promise<Lock> {
  const options = { what: 'the tunnels of this network namespace', file: changeLockFile() };
  return waitForLock(options, { limit: WAIT_MS, stop, tell: (words) => log.info(words) });
}
