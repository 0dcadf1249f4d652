/**
 * One change of kernel modules at a time. Modules are the machine's, not a tunnel's: what one process has loaded only to
 * try something, and takes out again, another one may just have come to rely on.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ClearDfError } from '../errors.js';
import { type Lock, takeLock } from './tunnel/lock.js';

/** For all network namespaces. */
const FILE = '/run/clear-df/modules.lock';
const WAIT_MS = 60_000;
const LOOK_MS = 50;

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
  const until = Date.now() + WAIT_MS;
  for (;;) {
    try {
      return takeLock('modules', FILE);
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      if (error.code === 'PRIVILEGE' || error.errno === 'EROFS') return undefined;
      if (Date.now() > until) throw error;
      await pause(LOOK_MS);
    }
  }
}
