/** What path MTU discovery has learnt, from `ip -j route show cache`. */
import * as z from 'zod';
import type { LearntRoute } from '../../doctor/machine.js';
import type { Runner } from '../exec.js';
import { readList } from '../facts/json.js';

const COMMAND = ['-j', '-4', 'route', 'show', 'cache'];

const route = z.looseObject({
  dst: z.string().optional(),
  dev: z.string().optional(),
  expires: z.number().optional(),
  metrics: z.array(z.looseObject({ mtu: z.number().optional() })).optional(),
});

/** The exceptions that hold an MTU; those of redirects are left out. @throws ClearDfError */
export async function readLearnt(runner: Runner): Promise<LearntRoute[]> {
  const { items } = readList(route, await runner.query('ip', COMMAND), `ip ${COMMAND.join(' ')}`);
  return items.flatMap(({ dst, dev, expires, metrics }) => {
    const mtu = metrics?.find((metric) => metric.mtu !== undefined)?.mtu;
    if (dst === undefined || dev === undefined || mtu === undefined) return [];
    return [{ destination: dst, dev, mtu, expires }];
  });
}
