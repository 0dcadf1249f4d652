/**
 * Before the first story: which kernels the archive has, for `inject('offers')`, and what guests of all kernels boot
 * from, so that stories side by side do not make it twice.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { type Offers, offers } from '../../scripts/lab/fetch.js';
import { prepare } from '../../scripts/lab/qemu.js';
import { CAPTURES } from '../helpers/capture.js';
import { MORE } from '../helpers/more.js';

declare module 'vitest' {
  export interface ProvidedContext {
    offers: Offers;
    /** Why no story is told at all; '' where they are. */
    tooFew: string;
  }
}

/** Of these CI has to see two at least: one kernel is no proof of anything but itself. */
const KERNELS_IN_CI = 2;

/** @returns what is done after the last story */
export default async function setup(project: TestProject): Promise<() => void> {
  const captures = (process.env[CAPTURES] = mkdtempSync(path.join(tmpdir(), 'cdf-lab-')));
  const found = await offers(undefined, MORE ? ['arm64'] : []);
  for (const { suite, why } of found.missing) console.error(`lab: archive: no kernel of ${suite}: ${why}`);
  const enough = process.env['CI'] !== 'true' || found.kernels.length >= KERNELS_IN_CI;
  const why = found.missing.map((one) => `${one.suite}: ${one.why}`).join('; ');
  const few = `archive: CI needs ${KERNELS_IN_CI} kernels, and ${found.kernels.length} could be had (${why})`;
  project.provide('offers', found);
  project.provide('tooFew', enough ? '' : few);
  const newest = found.kernels.at(-1);
  if (newest !== undefined) await prepare(newest, MORE);
  return () => rmSync(captures, { recursive: true, force: true });
}
