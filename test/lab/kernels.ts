/**
 * Which kernels a story runs on.
 *
 *   CLEAR_DF_LAB_KERNELS=6.1,7.2   only these, every story; 6.1-arm64: every story that names arm64
 *   CLEAR_DF_LAB_ALL=1             every story on every kernel
 *   CLEAR_DF_LAB_KEEP=1            consoles are kept although all went well
 *   CLEAR_DF_MORE=1                also `*.more.ts`, for which `npm test` has no time (`npm run test:all`)
 *
 * Without them a story runs on the kernels that it names by their standing. `npm run lab` sets them from its options.
 */
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, inject, it } from 'vitest';
import type { Architecture } from '../../scripts/lab/architecture.js';
import type { Offer, Offers } from '../../scripts/lab/fetch.js';
import type { KernelSeries } from '../../scripts/lab/suites.js';
import { install } from '../helpers/debian-packages.js';
import { Guest } from '../helpers/guest.js';
import { MORE } from '../helpers/more.js';

/**
 * A kernel by its standing among those that the archive has: `own` is the one of this machine's own release, whose
 * programs the guests run; `every` means all of them. Or of another architecture, of this machine's own release.
 */
export type Standing = 'oldest' | 'own' | 'newest' | 'every' | Other;

type Other = (typeof OTHERS)[number];
/** Fetched for `*.more.ts` alone. */
const OTHERS = ['arm64'] as const satisfies readonly Architecture[];
const isOther = (standing: Standing): standing is Other => OTHERS.some((one) => one === standing);

const ALL = process.env['CLEAR_DF_LAB_ALL'] === '1';
const ASKED = (process.env['CLEAR_DF_LAB_KERNELS'] ?? '').split(',').filter(Boolean);

function pick(standing: Standing, { kernels, others }: Offers): readonly (Offer | undefined)[] {
  if (isOther(standing)) return [others.find(({ architecture }) => architecture === standing)];
  const codename = /^VERSION_CODENAME="?(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  if (standing === 'every') return kernels;
  if (standing === 'oldest') return [kernels[0]];
  if (standing === 'newest') return [kernels.at(-1)];
  return [kernels.find((one) => one.codename === codename) ?? kernels[Math.floor((kernels.length - 1) / 2)]];
}

/** The kernels of a story, oldest first, each once. Empty where the archive has none of them. */
export function kernels(standings: readonly Standing[]): Offer[] {
  const { kernels: offered, others } = inject('offers');
  const asked = ({ name }: Offer): boolean => ASKED.includes(name);
  const wanted = standings.filter(isOther).flatMap((standing) => pick(standing, inject('offers')));
  if (ASKED.length > 0) return [...offered, ...others.filter((one) => wanted.includes(one))].filter(asked);
  for (const standing of ALL ? (['every'] as const) : standings) wanted.push(...pick(standing, inject('offers')));
  return [...offered, ...others].filter((one) => wanted.includes(one));
}

/** Whether this is the kernel of that standing: for the part of a story that one kernel alone tells. */
export function stands(series: KernelSeries, standing: Standing): boolean {
  return pick(standing, inject('offers')).some((one) => one?.series === series);
}

/** Why a story is not told on some kernel that it asks for. */
function untold(standings: readonly Standing[], found: readonly Offer[]): string[] {
  const { kernels: offered, others, missing } = inject('offers');
  const named = ASKED.filter((name) => ![...offered, ...others].some((one) => one.name === name));
  const reasons = missing.map(({ suite, why }) => `no kernel of ${suite}: ${why}`);
  if (ASKED.length > 0) return named.map((name) => `archive: it has no kernel ${name}`);
  if (ALL || standings.includes('every')) return reasons.map((why) => `archive: ${why}`);
  return found.length === 0 ? [`archive: it has no kernel for the lab (${reasons.join('; ')})`] : [];
}

/** What guests of other architectures take of this machine. */
const EMULATION = ['qemu-system-arm', 'g++-aarch64-linux-gnu'];
/** Time to fetch a kernel, to make the images and to boot. */
const BOOT_MS = 1_200_000;

/** Declares the tests of a block. */
export type Stories = (guest: () => Guest, series: KernelSeries, architecture: Architecture) => void;

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
  describe.each(found)(`${what}, kernel $name`, (offer) => {
    let guest: Guest | undefined;
    beforeAll(async () => {
      if (offer.architecture !== process.arch) await install(...EMULATION);
      guest = await Guest.boot(offer, MORE);
    }, BOOT_MS);
    afterEach(async ({ task }) => {
      if (task.result?.state === 'fail') await guest?.keepEvidence();
    });
    afterAll(async () => {
      await guest?.[Symbol.asyncDispose]();
    });
    stories(
      () => {
        if (guest === undefined) throw new Error(`the guest of ${offer.name} has not booted`);
        return guest;
      },
      offer.series,
      offer.architecture,
    );
  });
}
