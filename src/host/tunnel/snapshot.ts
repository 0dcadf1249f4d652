/**
 * The machine as it was before the first change, kept in the journal: a plan is always made from that, whatever a run
 * that was interrupted has left half done. What has changed since, away from the tunnel's own devices, counts as it is.
 */
import * as z from 'zod';
import { type Facts, keptFacts } from '../../tunnel/facts.js';
import { devicesOf, type Subject } from '../facts.js';

export const snapshotSchema = keptFacts.extend({
  modules: z.array(z.string()),
  sysctls: z.record(z.string(), z.string()),
});
export type Snapshot = z.infer<typeof snapshotSchema>;

/** Facts as the journal keeps them. Digests of keys stay out: they are of no use to a plan. */
export function snapshotOf(facts: Facts): Snapshot {
  return snapshotSchema.parse({
    ...facts,
    modules: [...facts.modules],
    sysctls: Object.fromEntries(facts.sysctls),
  });
}

/**
 * Facts of the journal and of now as one: what a plan is made from while a tunnel is up, or half up.
 * @param able whose answers count instead of those of the journal: the site asks other questions by now
 */
export function originOf(kept: Snapshot, now: Facts, subject: Subject, able?: Pick<Facts, 'can' | 'evidence'>): Facts {
  const { can, evidence } = able ?? kept;
  const ours = new Set(devicesOf(subject).filter((name) => name !== subject.underlay));
  const still = new Set(now.links.map(({ name }) => name));
  const pathIsOurs = now.path === undefined || ours.has(now.path.dev);
  return {
    kernel: now.kernel,
    links: [
      ...now.links.filter(({ name }) => !ours.has(name)),
      ...kept.links.filter(({ name }) => ours.has(name) && still.has(name)),
    ],
    routes: [...now.routes.filter(({ dev }) => !ours.has(dev)), ...kept.routes.filter(({ dev }) => ours.has(dev))],
    tableRoutes: kept.tableRoutes,
    rules: kept.rules,
    tunsrc: kept.tunsrc,
    path: pathIsOurs ? kept.path : now.path,
    morePaths: pathIsOurs ? kept.morePaths : now.morePaths,
    l2tp: kept.l2tp && { ...kept.l2tp, sessions: kept.l2tp.sessions.map((one) => ({ ...one, digest: '' })) },
    // While the device is away another one leads there.
    covering: now.covering?.dev === subject.underlay ? now.covering : kept.covering,
    modules: new Set(kept.modules),
    sysctls: new Map(Object.entries(kept.sysctls)),
    states: kept.states.map((one) => ({ ...one, digest: '' })),
    policies: kept.policies,
    tables: kept.tables,
    ike: now.ike,
    can,
    ...(evidence === undefined ? {} : { evidence }),
  };
}
