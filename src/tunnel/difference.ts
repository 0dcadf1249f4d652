/**
 * The plan of a tunnel beside what an earlier version of its file has made: which things are changed in place, which are
 * removed and made again, which are removed. Pure.
 */
import type { Facts } from './facts.js';
import type { Command, Item } from './item.js';

/** A change that an earlier plan has made, as the journal knows it. */
export interface Made {
  key: string;
  kind: string;
  desired: string;
  /** To before the first `up`; empty where it goes with something else. */
  undo: readonly Command[];
}

export interface Difference {
  /** Things that the plan wants, too, and that stand as the earlier file wanted them; by key. */
  known: ReadonlyMap<string, Made>;
  /** What the plan does not want any more, in the order in which it was made. */
  unwanted: readonly Made[];
}

export const NO_DIFFERENCE: Difference = { known: new Map(), unwanted: [] };

/**
 * Tunnel devices: the kernel takes one for each pair of ends, key, identifier or port, and a bridge with two of them to
 * the same site is a loop. One that goes is removed before one that comes is made.
 */
const DEVICES: ReadonlySet<string> = new Set([
  ...['gretap', 'vxlan', 'l2tp-tunnel', 'l2tp-session'],
  ...['vti', 'xfrm-device'],
]);

export function isTunnelDevice(kind: string): boolean {
  return DEVICES.has(kind);
}

/** How one item of the plan is brought in sync. */
type Step =
  | { how: 'none' }
  /** Something of someone else stands there. */
  | { how: 'refused' }
  | { how: 'apply' | 'change'; commands: readonly Command[] }
  /** Removed, and then applied. */
  | { how: 'remake'; remove: readonly Command[] };

export function stepOf(item: Item, facts: Facts, { known }: Difference): Step {
  const status = item.status(facts);
  if (status.state === 'in-sync') return { how: 'none' };
  if (status.state === 'differs') return { how: 'apply', commands: item.apply(facts) };
  const made = known.get(item.key);
  if (made === undefined) return { how: 'refused' };
  const commands = item.change?.(facts);
  if (commands !== undefined) return { how: 'change', commands };
  return made.undo.length === 0 ? { how: 'refused' } : { how: 'remake', remove: made.undo };
}

/** The commands of a step, for people. */
export function stepCommands(item: Item, facts: Facts, difference: Difference): readonly Command[] {
  const step = stepOf(item, facts, difference);
  switch (step.how) {
    case 'none':
    case 'refused':
      return [];
    case 'apply':
    case 'change':
      return step.commands;
    case 'remake':
      return [...step.remove, ...item.apply(facts)];
  }
}

/** What frames a change of a tunnel that is up loses, in words. */
export function cutsOfDifference(items: readonly Item[], facts: Facts, difference: Difference): string[] {
  const { unwanted } = difference;
  const steps = items.map((item) => ({ item, ...stepOf(item, facts, difference) }));
  const cuts = steps.flatMap(({ item: { kind, key, desired }, how }) => {
    if (how === 'remake') return [`${key} is removed and made again: no frame passes from then until this has ended`];
    if (how !== 'change') return [];
    if (kind === 'port') return [`${desired}: it leaves its bridge, and is in the other at once`];
    return isTunnelDevice(kind) ? [`${desired}: frames pass when the other end has changed as well`] : [];
  });
  const comes = steps.some(({ item, how }) => isTunnelDevice(item.kind) && how !== 'none' && how !== 'refused');
  for (const { kind, key, desired, undo } of unwanted) {
    if (undo.length === 0) continue;
    if (isTunnelDevice(kind)) {
      cuts.push(
        `${key} goes${comes ? ' before the new one is made' : ''}: no frame passes until the other end has changed as well`,
      );
    } else if (kind === 'vxlan-site' || kind === 'port') cuts.push(`no longer: ${desired}`);
  }
  if (unwanted.some(({ kind }) => kind === 'xfrm-state')) {
    cuts.push('frames between the ends are lost until both have the new associations');
  }
  return cuts;
}
