/** Floods of all sizes, long ones, counted to the last packet; drawn in `test/helpers/flood-suite.ts`. */
import { it } from 'vitest';
import { expectCounted, floodedRouter, type FloodRow } from '../helpers/flood-suite.js';
import { patient } from '../helpers/slowness.js';

/** Some ten seconds of a core that does nothing but send. */
const COUNT = 5_000_000;

it.each<FloodRow>([
  { length: 64, failOpen: true, starved: false },
  { length: 200, failOpen: true, starved: false },
  { length: 1400, failOpen: true, starved: false },
  { length: 200, failOpen: false, starved: false },
  { length: 64, failOpen: true, starved: true },
])(
  'a flood of $length-byte packets, fail-open $failOpen, starved $starved, is counted to the last packet',
  async (row) => {
    const net = await floodedRouter();
    await using _ = net.lab;
    await expectCounted(net, row, COUNT);
  },
  patient(600_000),
);
