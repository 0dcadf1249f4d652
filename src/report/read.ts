/** Reads a snapshot back from `/stats`, possibly from another version of clear-df. */
import * as z from 'zod';
import { COUNTER_NAMES, type Counters } from '../counters.js';
import { FAST_COUNTER_NAMES, type FastCounters } from '../fast-path/counters.js';
import type { Snapshot } from './snapshot.js';

const count = z.number().min(0);
/** Words go to a terminal: nothing that steers it. */
const words = z.string().regex(/^[^\p{Cc}]{0,1000}$/u);
const queueNumber = z.int().min(0).max(65_535);

/** A counter that the other version does not have yet counts as 0; one that this version does not know is left out. */
const counters = z
  .record(z.string(), z.unknown())
  .pipe(z.object(Object.fromEntries(COUNTER_NAMES.map((name) => [name, count.default(0)]))))
  .transform((reading) => reading as Counters);

const fastCounters = z
  .record(z.string(), z.unknown())
  .pipe(z.object(Object.fromEntries(['packets', ...FAST_COUNTER_NAMES].map((name) => [name, count.default(0)]))))
  .transform((reading) => reading as FastCounters);

const kernelCounts = z.discriminatedUnion('state', [
  z.object({ state: z.literal('held'), waiting: count, queueDropped: count, userDropped: count }),
  z.object({ state: z.literal('other'), portId: count }),
  z.object({ state: z.literal('unbound') }),
  z.object({ state: z.literal('unknown') }),
]);

const snapshot = z.object({
  version: words,
  name: words.exactOptional(),
  startedAt: count,
  uptimeSeconds: count,
  queues: z.array(
    z.object({
      queue: queueNumber,
      companion: z.boolean(),
      portId: count.exactOptional(),
      counters,
      kernel: kernelCounts,
    }),
  ),
  totals: counters,
  kernelUnknown: words.exactOptional(),
  settings: z.array(
    z.object({
      queue: queueNumber,
      setting: words,
      required: z.boolean(),
      value: z.number(),
      refused: words.exactOptional(),
    }),
  ),
  companion: queueNumber.exactOptional(),
  busiest: z
    .object({
      destination: words,
      protocol: z.int().min(0).max(255),
      perSecond: count,
      wrapSeconds: count,
    })
    .exactOptional(),
  leakedShare: z.number().min(0).max(1),
  fastPath: z
    .array(z.object({ device: words, direction: z.enum(['ingress', 'egress']), counters: fastCounters }))
    .default([]),
  process: z.object({ cpuSeconds: count, residentBytes: count }).exactOptional(),
});

/** The snapshot in a JSON value, or undefined when it is not one. */
export function readSnapshot(value: unknown): Snapshot | undefined {
  return snapshot.safeParse(value).data;
}
