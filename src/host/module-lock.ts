/**
 * One change of kernel modules at a time. Modules are the machine's, not a tunnel's: what one process has loaded only to
 * try something, and takes out again, another one may just have come to rely on.
 */
import path from 'node:path';
import { ClearDfError } from '../errors.js';
import { ENDING_MS, type Runner } from './exec.js';
import { type Lock, waitForLock } from './lock.js';
import { STATE_FOLDER } from './state.js';

/** For all network namespaces. */
const FILE = path.join(STATE_FOLDER, 'modules.lock');
const WAIT_MS = 60_000;

/**
 * Does something with modules while no other clear-df does; waits for the other one.
 * @param runner whose `stop` ends the wait
 * @throws ClearDfError CONFLICT when it does not come to an end, and whatever `work` throws
 */
export async function withModuleLock<T>({ stop }: Runner, work: () => Promise<T>): Promise<T> {
  const lock = await take(stop);
  try {
    return await work();
  } finally {
    lock?.release();
  }
}

/** Undefined for who may not write there: modules are not theirs to change either. */
async function take(stop: AbortSignal | undefined): Promise<Lock | undefined> {
  // What is put back after `stop` waits as long as each of its commands may.
  const patience = stop?.aborted === true ? { limit: ENDING_MS } : { limit: WAIT_MS, stop };
  try {
    return await waitForLock({ what: 'kernel modules', file: FILE }, patience);
  } catch (error) {
    if (error instanceof ClearDfError && (error.code === 'PRIVILEGE' || error.errno === 'EROFS')) return undefined;
    throw error;
  }
}
