/** The source address of packets that are put into IPv6 with segments: one for a whole network namespace. */
import { NO_TUNSRC, type Facts } from '../facts.js';
import type { Command, Item } from '../item.js';

export const TUNSRC_KEY = 'tunsrc';

export function tunsrcItem(source: string, reason: string): Item {
  const set = (address: string, more: Partial<Command> = {}): Command => ({
    argv: ['ip', 'sr', 'tunsrc', 'set', address],
    ...more,
  });
  const before = ({ tunsrc }: Facts) => tunsrc ?? NO_TUNSRC;
  return {
    kind: 'tunsrc',
    key: TUNSRC_KEY,
    desired: `packets with segments come from ${source}`,
    reason,
    status(facts) {
      const found = before(facts);
      if (found === source) return { state: 'in-sync' };
      if (found === NO_TUNSRC) return { state: 'differs', observed: 'the kernel chooses one' };
      return {
        state: 'conflict',
        observed: `they come from ${found}, all of this network namespace: set by another tenant's file, or by hand`,
        hint: `carrier.source: ${found}, the same for every tenant; or, if unused: ip sr tunsrc set ${NO_TUNSRC}`,
      };
    },
    apply: () => [set(source)],
    undo: (facts) =>
      before(facts) === source ? [] : [set(before(facts), { onlyWhile: { noRoutesWith: ['encap', 'seg6'] } })],
  };
}
