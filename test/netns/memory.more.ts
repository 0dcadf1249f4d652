/** What a run holds in memory in the long run: 4 million packets. */
import { it } from 'vitest';
import { patient } from '../helpers/slowness.js';
import { expectSmall } from '../helpers/soak.js';

it(
  'is small at its peak, with rules and under load, and does not grow',
  async () => {
    // 6,400 pages in all: more than V8 by itself would begin to collect after.
    await expectSmall({ rounds: 4, flooded: 250_000, bytes: 20_000_000, readings: 200 });
  },
  patient(600_000),
);
