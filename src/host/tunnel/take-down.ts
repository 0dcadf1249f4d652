/** Undoes the changes of a journal, the last one first, and leaves alone what someone else has changed since. */
import { type Facts, linkOf } from '../../tunnel/facts.js';
import { isSealing, isSending, type Item } from '../../tunnel/item.js';
import { sysctlKey } from '../../tunnel/items/sysctl.js';
import type { TunnelLogger } from './steps.js';
import type { Entry, Journal } from './journal.js';
import type { Machine } from './machine.js';
import { type Others, userOf } from './shared.js';
import { undoChange } from './undo.js';

interface TakenDown {
  /** Keys of what was put back. */
  undone: string[];
  /** What could not be put back: it stays in the journal. */
  failed: { key: string; reason: string }[];
}

/**
 * What another tunnel still uses stays: its journal knows the undo as well.
 * @param items the plan that the journal's site makes; what it does not know is put back unseen
 */
export async function takeDown(
  items: readonly Item[],
  { machine, journal, others = [], log }: { machine: Machine; journal: Journal; others?: Others; log: TunnelLogger },
): Promise<TakenDown> {
  const itemOf = (key: string) => items.find((item) => item.key === key);
  // All are judged before the first is undone: what one of them puts back can change another.
  const ours = journal.entries.filter((entry) => isOurs(entry, itemOf(entry.key), machine.facts, log));
  // A device that is left alone goes on sending.
  let sends = journal.entries.find((entry) => !ours.includes(entry) && isSent(entry, machine.facts))?.key;
  const certain = new Set(ours.filter(({ state }) => state === 'applied').map(({ key }) => key));
  const settled = settledIn(journal.entries);
  journal.undoing(new Set(ours.map(({ key }) => key)));
  const result: TakenDown = { undone: [], failed: [] };
  for (const { key, kind, undo, observed } of inPlanOrder(ours, items).reverse()) {
    if (isSealing(kind) && sends !== undefined) {
      result.failed.push({ key, reason: `it stays while ${sends} does, whose frames would leave unencrypted` });
      continue;
    }
    const user = userOf(key, others);
    if (user !== undefined) {
      if (undo.length > 0) log.info(`${key} stays: tunnel ${user} uses it`);
      journal.drop(key);
      continue;
    }
    const incomplete = result.failed.length > 0;
    const change = { key, undo, observed, item: itemOf(key), certain: certain.has(key), settled, incomplete };
    const reason = await undoChange(change, machine, log);
    if (reason !== undefined) {
      result.failed.push({ key, reason });
      if (isSending(kind) && undo.some(({ argv }) => argv.includes('delete') || argv.includes('del'))) sends = key;
      continue;
    }
    journal.drop(key);
    if (undo.length > 0) result.undone.push(key);
  }
  if (journal.entries.length === 0) journal.remove();
  return result;
}

/** Whether frames still go into it. A gretap that is no longer as it was made has other ends, which no guard is for. */
export function isSent({ key, kind }: Entry, facts: Facts): boolean {
  const name = key.slice(kind.length + 1);
  if (kind === 'vxlan') return linkOf(facts, name) !== undefined;
  return kind === 'l2tp-session' && facts.l2tp?.sessions.some(({ id }) => String(id) === name) === true;
}

/**
 * As a first run makes them, whatever runs were cut short and whatever is shared. What the plan does not know goes with the
 * first of its kind, since kinds depend on each other; or stays behind what it was made behind; guards are the first of all.
 */
export function inPlanOrder(entries: readonly Entry[], items: readonly Item[]): Entry[] {
  const places = new Map(items.map(({ key }, i) => [key, i]));
  const placeOf = ({ key, kind }: Entry) => {
    const place = places.get(key) ?? items.findIndex((item) => item.kind === kind);
    if (place < 0 && isSealing(kind)) return -1;
    return (last = place < 0 ? last : place);
  };
  let last = -1;
  const ranked = entries.map((entry) => ({ entry, rank: placeOf(entry) }));
  return ranked.sort((one, other) => one.rank - other.rank).map(({ entry }) => entry);
}

/**
 * Of an `up` that was killed between loading a module and setting the module's parameters: those that it has not come
 * to have the kernel's own values, which nobody has chosen.
 */
function settledIn(entries: readonly Entry[]): (sysctl: string) => boolean {
  const last = entries.at(-1);
  const cutShort =
    last !== undefined && (last.state === 'applying' || last.kind === 'module' || last.kind === 'sysctl');
  return (sysctl) => {
    const own = entries.find(({ key }) => key === sysctlKey(sysctl));
    return own === undefined ? !cutShort : own.state !== 'applying';
  };
}

/** Whether it is as it was made, and so may be put back. */
export function isOurs(
  { key, kind, state, undo }: Entry,
  item: Item | undefined,
  facts: Facts,
  log: TunnelLogger,
): boolean {
  if (item === undefined || state !== 'applied' || undo.length === 0) return true;
  // Their commands take our own program, or table, away, and no other.
  if (kind === 'fast-path' || kind === 'nft-table') return true;
  const status = item.status(facts);
  if (status.state === 'in-sync') return true;
  // Known by its SPI; that its keys are no longer those of the key file is no reason to leave it behind.
  if (status.state === 'conflict' && kind === 'xfrm-state') return true;
  // Its command names all of it; a route that leads elsewhere by now, as while a device is down, is still this tunnel's.
  if (kind === 'policy-rule' || kind === 'xfrm-pass' || kind === 'gre-rule') return true;
  // The same ends, with other flags: it would send on, and readable once nothing seals any more.
  if (kind === 'gretap' && status.state === 'differs' && linkOf(facts, key.replace(/^gretap /, ''))) return true;
  log.warn(`${key} is left alone: it is not as clear-df made it (${status.observed})`);
  return false;
}
