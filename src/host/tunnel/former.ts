/** The version of the site file that a tunnel is up from, where that is not the one at hand. */
import type { Difference, Made } from '../../tunnel/difference.js';
import type { Facts } from '../../tunnel/facts.js';
import type { Item } from '../../tunnel/item.js';
import type { Entry, Journal, SiteText } from './journal.js';
import type { Machine } from './machine.js';
import type { Snapshot } from './snapshot.js';

export interface Former {
  site: SiteText;
  /** What its plan was made from. */
  before: Snapshot;
  /** Its plan; empty where it cannot be made any more. */
  items: readonly Item[];
  /** Keys of those that stood when this run began. */
  stood: ReadonlySet<string>;
  /** The machine, read for the devices that it names. */
  machine(): Promise<Machine>;
}

/** What a plan is compared with the journal by. */
interface Compared {
  journal: Pick<Journal, 'entries'>;
  /** The machine as it is. */
  facts: Facts;
  /** The machine without the tunnel. */
  origin?: Facts | undefined;
  /** What the tunnel is up from, where that is another version of the file: what stands as that one says is ours to change. */
  former?: Pick<Former, 'items'> | undefined;
}

/** A plan beside what the journal knows. */
export function differenceOf(items: readonly Item[], { journal, facts, origin, former }: Compared): Difference {
  const wanted = new Map(items.map((item) => [item.key, item]));
  const there = former?.items.filter((item) => item.status(facts).state === 'in-sync') ?? [];
  const stands = new Set(there.map(({ key }) => key));
  const isKnown = ({ key, state }: Entry) => wanted.has(key) && (state === 'changing' || stands.has(key));
  const isUnwanted = (entry: Entry) => {
    const item = wanted.get(entry.key);
    if (item === undefined) return !isUnread(entry.kind, facts);
    // A larger MTU is right as well, but it was raised for the earlier version. What charon knew before is not kept.
    const asBefore = origin !== undefined && entry.kind !== 'ike' && item.status(origin).state === 'in-sync';
    return asBefore && entry.undo.length > 0 && isKnown(entry);
  };
  return {
    known: new Map(journal.entries.filter(isKnown).map((entry) => [entry.key, entry satisfies Made])),
    unwanted: journal.entries.filter(isUnwanted),
  };
}

/** Of an earlier plan, what was seen to be made, or is there. */
export function standing(items: readonly Item[], journal: Pick<Journal, 'entry'>, facts: Facts): Set<string> {
  const stood = items.filter(
    (item) => journal.entry(item.key)?.state === 'applied' || item.status(facts).state === 'in-sync',
  );
  return new Set(stood.map(({ key }) => key));
}

/** A plan has no guard of nft where nft cannot be read: that is no reason to take one away. */
function isUnread(kind: string, { tables }: Facts): boolean {
  return kind === 'nft-table' && tables === undefined;
}

/** Keys of what stands otherwise than a plan wants it. */
export function changingKeys(items: readonly Item[], facts: Facts, { known, unwanted }: Difference): Set<string> {
  const pending = items.filter((item) => known.has(item.key) && item.status(facts).state !== 'in-sync');
  return new Set([...pending, ...unwanted].map(({ key }) => key));
}
