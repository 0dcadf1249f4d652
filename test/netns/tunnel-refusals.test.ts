/**
 * Wrong site files on a real router, drawn in `test/helpers/refusing-router.ts`: one for each exit code, each key file,
 * and each that a router has to be prepared for. The unit tests judge all of them, `tunnel-refusals.more.ts` runs the
 * others.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RefusingRouter } from '../helpers/refusing-router.js';
import { WRONG_KEY_FILES } from '../unit/tunnel-wrong-keys.js';
import { PREPARED, UNPREPARED } from '../helpers/refused-sites.js';

// These leave the router as it is, which is what they prove: one is enough for all.
let router: RefusingRouter;
beforeAll(async () => {
  router = await RefusingRouter.create();
});
afterAll(() => router[Symbol.asyncDispose]());

it.each([...UNPREPARED.ofEachCode, ...WRONG_KEY_FILES])('$title', (site) => router.refuses(site));

it.each(PREPARED)('$title (prepared)', async (site) => {
  await using prepared = await RefusingRouter.create();
  await prepared.refuses(site);
});

it('there are some of each', () => {
  expect(UNPREPARED.ofEachCode.length).toBeGreaterThan(1);
  expect(WRONG_KEY_FILES.length).toBeGreaterThan(0);
  expect(PREPARED.length).toBeGreaterThan(2);
});
