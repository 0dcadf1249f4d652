/**
 * Which kernels a story runs on.
 *
 *   CLEAR_DF_LAB_KERNELS=6.1,7.2   only these, every story
 *   CLEAR_DF_LAB_ALL=1             every story on every kernel
 *   CLEAR_DF_LAB_MORE=1            also those that npm test has no time for, on the kernels that it takes
 *   CLEAR_DF_LAB_KEEP=1            consoles are kept although all went well
 *
 * Without them the stories of the short set run on every kernel, all others on the default one and on those that they
 * name. `npm run lab` sets them from its options.
 */
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { DEFAULT_SERIES, type KernelSeries, parseSeries, SERIES } from '../../scripts/lab/suites.js';
import { Guest } from '../helpers/guest.js';

/**
 * `full`: stories for the default kernel; `short`: those that every kernel has to tell; a list: the default kernel and
 * these, so that the stories of `npm test` fit its time. `--all` tells all of them everywhere.
 */
export type StorySet = 'full' | 'short' | readonly KernelSeries[];

/** The kernels of a set of stories; never none. */
export function kernels(set: StorySet): KernelSeries[] {
  const asked = (process.env['CLEAR_DF_LAB_KERNELS'] ?? '').split(',').filter(Boolean).map(parseSeries);
  if (asked.length > 0) return asked;
  if (set === 'short' || process.env['CLEAR_DF_LAB_ALL'] === '1') return [...SERIES];
  return SERIES.filter((series) => series === DEFAULT_SERIES || (set !== 'full' && set.includes(series)));
}

/** Every story was asked for; `npm test` has time for a part of them, on the default kernel and some others. */
export const EVERYTHING =
  process.env['CLEAR_DF_LAB_MORE'] === '1' || kernels('short').length === kernels('full').length;

/** Time to fetch a kernel, to make the images and to boot. */
const BOOT_MS = 600_000;

/**
 * A block of stories for each kernel of the set, with one guest for the whole block: booted before the first, its
 * plug pulled after the last. When one fails, the guest's console and the kernel's log are kept and named.
 * `guest()` is there once the block's tests and hooks run.
 */
export function describeKernels(
  set: StorySet,
  what: string,
  stories: (guest: () => Guest, series: KernelSeries) => void,
): void {
  describe.each(kernels(set))(`${what}, kernel %s`, (series) => {
    let guest: Guest | undefined;
    beforeAll(async () => {
      guest = await Guest.boot(series);
    }, BOOT_MS);
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') await guest?.keepEvidence();
    });
    afterAll(async () => {
      await guest?.[Symbol.asyncDispose]();
    });
    stories(() => {
      if (guest === undefined) throw new Error(`the guest of ${series} has not booted`);
      return guest;
    }, series);
  });
}
