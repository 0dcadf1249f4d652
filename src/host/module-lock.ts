/**
 * One change of kernel modules at a time. Modules are the machine's, not a tunnel's: what one process has loaded only to
 * try something, and takes out again, another one may just have come to rely on.
 */
import path from 'node:path';
import { ClearDfError } from '../errors.js';
import { type Lock, waitForLock } from './lock.js';
import { STATE_FOLDER } from './state.js';

/** For all network namespaces. */
const FILE = path.join(STATE_FOLDER, 'modules.lock');
const WAIT_MS = 60_000;

/**
 * Does something with modules while no other clear-df does; waits for the other one.
 * @throws ClearDfError CONFLICT when it does not come to an end, and whatever `work` throws
 */
export async function withModuleLock<T>(work: () => Promise<T>): Promise<T> {
  const lock = await take();
  try {
    return await work();
  } finally {
    lock?.release();
  }
}

/** Undefined for who may not write there: modules are not theirs to change either. */
async function take(): Promise<Lock | undefined> {
  try {
    return await waitForLock({ what: 'kernel modules', file: FILE }, { limit: WAIT_MS });
  } catch (error) {
    if (error instanceof ClearDfError && (error.code === 'PRIVILEGE' || error.errno === 'EROFS')) return undefined;
    throw error;
  }
}
