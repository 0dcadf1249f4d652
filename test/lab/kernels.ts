/**
 * Which kernels a story runs on.
 *
 *   CLEAR_DF_LAB_KERNELS=6.1,7.2   only these, every story
 *   CLEAR_DF_LAB_ALL=1             every story on every kernel
 *   CLEAR_DF_LAB_KEEP=1            consoles are kept although all went well
 *   CLEAR_DF_MORE=1                also `*.more.ts`, for which `npm test` has no time (`npm run test:all`)
 *
 * Without them a story runs on the kernels that it names by their standing. `npm run lab` sets them from its options.
 */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, inject, it } from 'vitest';
import type { Offer } from '../../scripts/lab/fetch.js';
import type { KernelSeries } from '../../scripts/lab/suites.js';
import { Guest } from '../helpers/guest.js';
import { MORE } from '../helpers/more.js';

/**
 * A kernel by its standing among those that the archive has: `own` is the one of this machine's own release, whose
 * programs the guests run; `every` means all of them.
 */
export type Standing = 'oldest' | 'own' | 'newest' | 'every';

const ALL = process.env['CLEAR_DF_LAB_ALL'] === '1';
const ASKED = (process.env['CLEAR_DF_LAB_KERNELS'] ?? '').split(',').filter(Boolean);

function pick(standing: Standing, kernels: readonly Offer[]): readonly (Offer | undefined)[] {
  const codename = /^VERSION_CODENAME="?(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (standing === 'every') return kernels;
  if (standing === 'oldest') return [kernels[0]];
  if (standing === 'newest') return [kernels.at(-1)];
  return [kernels.find((one) => one.codename === codename) ?? kernels[Math.floor((kernels.length - 1) / 2)]];
}

/** The kernels of a story, oldest first, each once. Empty where the archive has none of them. */
export function kernels(standings: readonly Standing[]): Offer[] {
  const offered = inject('offers').kernels;
  if (ASKED.length > 0) return offered.filter(({ series }) => ASKED.includes(series));
  const wanted = new Set((ALL ? (['every'] as const) : standings).flatMap((standing) => pick(standing, offered)));
  return offered.filter((one) => wanted.has(one));
}

/** Whether this is the kernel of that standing: for the part of a story that one kernel alone tells. */
export function stands(series: KernelSeries, standing: Standing): boolean {
  return pick(standing, inject('offers').kernels).some((one) => one?.series === series);
}

/** Why a story is not told on some kernel that it asks for. */
function untold(standings: readonly Standing[], found: readonly Offer[]): string[] {
  const { kernels: offered, missing } = inject('offers');
  const named = ASKED.filter((series) => !offered.some((one) => one.series === series));
  const reasons = missing.map(({ suite, why }) => `no kernel of ${suite}: ${why}`);
  if (ASKED.length > 0) return named.map((series) => `archive: it has no kernel ${series}`);
  if (ALL || standings.includes('every')) return reasons.map((why) => `archive: ${why}`);
  return found.length === 0 ? [`archive: it has no kernel for the lab (${reasons.join('; ')})`] : [];
}

/** Time to fetch a kernel, to make the images and to boot. */
const BOOT_MS = 1_200_000;

/** Declares the tests of a block. */
export type Stories = (guest: () => Guest, series: KernelSeries) => void;

/**
 * A block of stories for each kernel, with one guest for the whole block: booted before the first, its plug pulled
 * after the last. When one fails, the guest's console and the kernel's log are kept and named. What the archive does
 * not have is a skipped story that says so. `guest()` is there once the block's tests and hooks run.
 */
export function describeKernels(standings: readonly Standing[], what: string, stories: Stories): void {
  const tooFew = inject('tooFew');
  if (tooFew !== '') {
    it(what, () => {
      throw new Error(tooFew);
    });
    return;
  }
  const found = kernels(standings);
  for (const why of untold(standings, found)) it(`${what}: not told`, (context) => context.skip(why));
  describe.each(found)(`${what}, kernel $series`, (offer) => {
    let guest: Guest | undefined;
    beforeAll(async () => {
      guest = await Guest.boot(offer, MORE);
    }, BOOT_MS);
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') await guest?.keepEvidence();
    });
    afterAll(async () => {
      await guest?.[Symbol.asyncDispose]();
    });
    stories(() => {
      if (guest === undefined) throw new Error(`the guest of ${offer.series} has not booted`);
      return guest;
    }, offer.series);
  });
}
