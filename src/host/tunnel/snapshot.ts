/**
 * The machine as it was before the first change, kept in the journal: a plan is always made from that, whatever a run
 * that was interrupted has left half done. What has changed since, away from the tunnel's own devices, counts as it is.
 */
import * as z from 'zod';
import { type Facts, keptFacts } from '../../tunnel/facts.js';
import { sysctlKey } from '../../tunnel/items/sysctl.js';
import { devicesOf, type Subject } from '../../tunnel/wanted.js';

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

/** A journal, as far as it says how the machine was. */
interface Past {
  before: Snapshot;
  entries: readonly { key: string }[];
}

/** An earlier version of the site file, from which a tunnel is up; undefined where it cannot be read any more. */
interface Edit {
  former: Subject | undefined;
}

/**
 * Facts of the journal and of now as one: what a plan is made from while a tunnel is up, or half up.
 * @param edit where the journal is of an earlier version of the file: what that one neither named nor changed counts as it
 * is now
 */
export function originOf({ before: kept, entries }: Past, now: Facts, subject: Subject, edit?: Edit): Facts {
  const { can, evidence } = edit === undefined ? kept : now;
  const known = edit?.former ?? subject;
  const made = new Set(entries.map(({ key }) => key));
  // Those of versions before that one, where a change was cut short, are named in the keys.
  const named = [...devicesOf(known), ...entries.flatMap(({ key }) => key.split(' '))];
  const ours = new Set(named.filter((name) => name !== known.underlay));
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
    defaults6: [
      ...(now.defaults6?.filter((dev) => !ours.has(dev)) ?? []),
      ...(kept.defaults6?.filter((dev) => ours.has(dev)) ?? []),
    ],
    tunsrc: kept.tunsrc ?? (edit && now.tunsrc),
    path: pathIsOurs ? kept.path : now.path,
    morePaths: pathIsOurs ? kept.morePaths : now.morePaths,
    l2tp: withoutDigests(kept.l2tp ?? (edit && now.l2tp)),
    // While the device is away another one leads there.
    covering: now.covering?.dev === subject.underlay ? now.covering : kept.covering,
    ...(edit === undefined
      ? { modules: new Set(kept.modules), sysctls: new Map(Object.entries(kept.sysctls)) }
      : withoutMade(kept, now, made)),
    states: kept.states.map((one) => ({ ...one, digest: '' })),
    policies: kept.policies,
    tables: kept.tables,
    ike: now.ike,
    ...(now.oddDevices === undefined ? {} : { oddDevices: now.oddDevices }),
    can,
    ...(evidence === undefined ? {} : { evidence }),
  };
}

function withoutDigests(l2tp: Facts['l2tp'] | Snapshot['l2tp']): Facts['l2tp'] {
  return l2tp && { ...l2tp, sessions: l2tp.sessions.map((one) => ({ ...one, digest: '' })) };
}

/** Modules and kernel parameters as they are, but for those that were loaded and set by the earlier version. */
function withoutMade(kept: Snapshot, now: Facts, made: ReadonlySet<string>): Pick<Facts, 'modules' | 'sysctls'> {
  const sysctls = [...now.sysctls].flatMap(([name, value]): [string, string][] => {
    if (!made.has(sysctlKey(name))) return [[name, value]];
    const before = kept.sysctls[name];
    return before === undefined ? [] : [[name, before]];
  });
  const modules = [...now.modules].filter((name) => !made.has(`module ${name}`) || kept.modules.includes(name));
  return { modules: new Set(modules), sysctls: new Map(sysctls) };
}

/** What the journal keeps once another version of the file holds. Devices that are away now may come back. */
export function snapshotAfter(kept: Snapshot, origin: Facts): Snapshot {
  const snapshot = snapshotOf(origin);
  const names = new Set(snapshot.links.map(({ name }) => name));
  return { ...snapshot, links: [...snapshot.links, ...kept.links.filter(({ name }) => !names.has(name))] };
}
