/**
 * What tunnels of one network namespace share: a bridge, its ports, br_netfilter, policies between the same two ends.
 * Nobody owns it. Each journal records the undo, the same in all of them; only the last user runs it.
 */
import { ClearDfError } from '../../errors.js';
import type { Facts } from '../../tunnel/facts.js';
import type { Item } from '../../tunnel/item.js';
import { sysctlKey } from '../../tunnel/items/sysctl.js';
import type { Site } from '../../tunnel/site/site.js';
import { devicesOf, type Subject } from '../../tunnel/wanted.js';
import type { Entry, Journal } from './journal.js';

/** The other tunnels, as far as their journals could be read. */
export type Others = readonly Journal[];

/** How another tunnel has recorded the same change; the undo in it leads to before the first of them. */
export function recorded(key: string, others: Others): Entry | undefined {
  const entries = others.flatMap((other) => other.entry(key) ?? []);
  return entries.find(({ undo }) => undo.length > 0) ?? entries[0];
}

/** The name of another tunnel that still needs it; one that is going down does not. */
export function userOf(key: string, others: Others): string | undefined {
  return others.find((other) => isUsed(other.entry(key)))?.name;
}

function isUsed(entry: Entry | undefined): boolean {
  return entry !== undefined && entry.state !== 'undoing';
}

/** Another tunnel, and the plan that its journal's site makes. */
export interface Neighbour {
  name: string;
  file: string;
  items: readonly Item[];
}

/**
 * Refuses a plan that would change what another tunnel has as it wants it.
 * @throws ClearDfError CONFLICT that names that tunnel
 */
export function refuseOtherWishes(
  items: readonly Item[],
  facts: Facts,
  { file, name }: Pick<Site, 'file' | 'name'>,
  neighbours: readonly Neighbour[],
): void {
  const changes = items.filter((item) => item.status(facts).state !== 'in-sync');
  for (const other of neighbours) {
    for (const { key, desired } of changes) {
      const theirs = other.items.find((item) => item.key === key && item.desired !== desired);
      if (theirs?.status(facts).state !== 'in-sync') continue;
      throw new ClearDfError({
        code: 'CONFLICT',
        operation: 'set up tunnel',
        object: `${name} (${file}): ${key}`,
        reason: `wanted: ${desired}; but tunnel ${other.name} (${other.file}) is up and wants: ${theirs.desired}`,
        hint: 'nothing was changed; say the same in both files, or do not share it',
      });
    }
  }
}

/**
 * The machine without what other tunnels have changed on devices that this one names as well, and without the modules
 * and kernel parameters that they have set: a plan is the same whichever of them comes up first.
 */
export function withoutOthers(now: Facts, others: Others, subject: Subject): Facts {
  return others.reduce((facts, other) => withoutOther(facts, other, subject), now);
}

function withoutOther(now: Facts, { before, entries }: Journal, subject: Subject): Facts {
  const changed = new Set(entries.flatMap(({ key }) => key.split(' ')));
  const ours = devicesOf(subject).filter((name) => name !== subject.underlay);
  const shared = new Set(ours.filter((name) => changed.has(name)));
  const still = new Set(now.links.map(({ name }) => name));
  const keys = new Set(entries.map(({ key }) => key));
  const sysctls = new Map(now.sysctls);
  for (const name of now.sysctls.keys()) {
    if (!keys.has(sysctlKey(name))) continue;
    const value = before.sysctls[name];
    if (value === undefined) sysctls.delete(name);
    else sysctls.set(name, value);
  }
  return {
    ...now,
    links: [
      ...now.links.filter(({ name }) => !shared.has(name)),
      ...before.links.filter(({ name }) => shared.has(name) && still.has(name)),
    ],
    routes: [
      ...now.routes.filter(({ dev }) => !shared.has(dev)),
      ...before.routes.filter(({ dev }) => shared.has(dev)).map((route) => ({ ...route, via: route.via })),
    ],
    modules: new Set([...now.modules].filter((name) => !keys.has(`module ${name}`) || before.modules.includes(name))),
    sysctls,
  };
}
