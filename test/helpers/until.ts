/** Waiting on conditions: the tests' only way to let time pass. */
import { setTimeout as pause } from 'node:timers/promises';
import { patient } from './slowness.js';

/** For what takes milliseconds on a quiet machine. */
const PATIENCE_MS = 60_000;
/** Readings that have to be alike, 20 ms and more apart. */
const ALIKE = 15;

/**
 * Polls `probe` until it returns something other than undefined or false, and returns that.
 * @param timeout milliseconds on a quiet machine
 * @throws Error that names `what`, after `timeout`
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  timeout = PATIENCE_MS,
): Promise<T> {
  const limit = patient(timeout);
  const end = performance.now() + limit;
  for (;;) {
    const seen = await probe();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`waited ${limit} ms in vain until ${what}`);
    await pause(20);
  }
}

/**
 * Polls a number until many readings in a row are alike, and returns it: readings, as a busy machine has less time for
 * what is counted and for these alike. Only where nothing says that no more will come.
 * @param all that can come: where it has, there is nothing to wait for
 */
export async function settled(what: string, read: () => Promise<number>, all = Infinity): Promise<number> {
  let [last, alike] = [await read(), 1];
  await until(`${what} has settled`, async () => {
    if (last >= all) return true;
    const now = await read();
    alike = now === last ? alike + 1 : 1;
    last = now;
    return alike >= ALIKE;
  });
  return last;
}
