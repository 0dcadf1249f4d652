/**
 * Reads a snapshot back from `/stats`, possibly from another version of clear-df. By zod's small half: `stats` is asked by
 * scripts, again and again, and the other one takes longer to load than the rest of it.
 */
import * as z from 'zod/mini';
import { COUNTER_NAMES, type Counters } from '../counters.js';
import { FAST_COUNTER_NAMES, type FastCounters } from '../fast-path/counters.js';
import type { Snapshot } from './snapshot.js';

const count = z.number().check(z.minimum(0));
/** Words go to a terminal: nothing that steers it. */
const words = z.string().check(z.regex(/^[^\p{Cc}]{0,1000}$/u));
const queueNumber = z.int().check(z.minimum(0), z.maximum(65_535));

/** A counter that the other version does not have yet counts as 0; one that this version does not know is left out. */
function countersOf<T>(names: readonly string[]) {
  const known = z.object(Object.fromEntries(names.map((name) => [name, z._default(count, 0)])));
  const typed = z.pipe(
    known,
    z.transform((reading) => reading as T),
  );
  return z.pipe(z.record(z.string(), z.unknown()), typed);
}
const counters = countersOf<Counters>(COUNTER_NAMES);

const kernelCounts = z.discriminatedUnion('state', [
  z.object({ state: z.literal('held'), waiting: count, queueDropped: count, userDropped: count }),
  z.object({ state: z.literal('other'), portId: count }),
  z.object({ state: z.literal('unbound') }),
  z.object({ state: z.literal('unknown') }),
]);

const snapshot = z.object({
  version: words,
  name: z.exactOptional(words),
  startedAt: count,
  uptimeSeconds: count,
  queues: z.array(
    z.object({
      queue: queueNumber,
      companion: z.boolean(),
      portId: z.exactOptional(count),
      counters,
      kernel: kernelCounts,
    }),
  ),
  totals: counters,
  kernelUnknown: z.exactOptional(words),
  settings: z.array(
    z.object({
      queue: queueNumber,
      setting: words,
      required: z.boolean(),
      value: z.number(),
      refused: z.exactOptional(words),
    }),
  ),
  companion: z.exactOptional(queueNumber),
  busiest: z.exactOptional(
    z.object({
      destination: words,
      protocol: z.int().check(z.minimum(0), z.maximum(255)),
      perSecond: count,
      wrapSeconds: count,
    }),
  ),
  leakedShare: z.number().check(z.minimum(0), z.maximum(1)),
  fastPath: z._default(
    z.array(
      z.object({
        device: words,
        direction: z.enum(['ingress', 'egress']),
        counters: countersOf<FastCounters>(['packets', ...FAST_COUNTER_NAMES]),
      }),
    ),
    [],
  ),
  process: z.exactOptional(z.object({ cpuSeconds: count, residentBytes: count })),
});

/** The snapshot in a JSON value, or undefined when it is not one. */
export function readSnapshot(value: unknown): Snapshot | undefined {
  return snapshot.safeParse(value).data;
}
