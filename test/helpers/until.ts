/** Waiting on conditions: the tests' only way to let time pass. */
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Polls `probe` until it returns something other than undefined or false, and returns that.
 * @throws Error that names `what` and the last thing seen, after `timeout` milliseconds
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  timeout = 30_000,
): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    const seen = await probe();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > end) throw new Error(`waited ${timeout} ms in vain until ${what}`);
    await pause(20);
  }
}

/** Polls a number until it has been the same for `quiet` milliseconds, and returns it. */
export async function settled(
  what: string,
  read: () => Promise<number>,
  quiet = 300,
  timeout = 60_000,
): Promise<number> {
  let last = await read();
  let since = Date.now();
  return until(
    `${what} has settled`,
    async () => {
      const now = await read();
      if (now !== last) {
        last = now;
        since = Date.now();
      }
      // Returned as an object: the number itself may be 0.
      return Date.now() - since >= quiet ? { value: last } : undefined;
    },
    timeout,
  ).then(({ value }) => value);
}
