/** What a run holds in memory, at most and after some load; `memory.more.ts` has the long run. */
import { it } from 'vitest';
import { expectSmall } from '../helpers/soak.js';

it('is small at its peak, with rules and under load, and does not grow', async () => {
  await expectSmall({ rounds: 2, flooded: 50_000, bytes: 4_000_000, readings: 50 });
});
