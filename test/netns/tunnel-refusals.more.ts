/** Wrong site files on a real router: those that `tunnel-refusals.test.ts` has left out. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UNPREPARED } from '../helpers/refused-sites.js';
import { RefusingRouter } from '../helpers/refusing-router.js';

let router: RefusingRouter;
beforeAll(async () => {
  router = await RefusingRouter.create();
});
afterAll(() => router[Symbol.asyncDispose]());

it.each(UNPREPARED.others)('$title', (site) => router.refuses(site));

it('there are at least 15 of them', () => {
  expect(UNPREPARED.others.length).toBeGreaterThanOrEqual(15);
});
