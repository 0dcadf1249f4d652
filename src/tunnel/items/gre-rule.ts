/**
 * The tunnel's GRE is routed by the route that leads to the other end now, or one that is as narrow, or not at all: while
 * the device of that route is away, a wider one (the default route) would lead elsewhere. Two rules, and no route is
 * touched: what comes back is found again.
 */
import type { Facts } from '../facts.js';
import type { Command, Item } from '../item.js';

/** Before those that others usually have; only `local` (0) is earlier. */
const FIRST = 32;

export interface GreRuleOptions {
  local: string;
  remote: string;
  /** Where the route is that leads to the other end: the table as `ip` prints it, and the route's prefix length. */
  table: string;
  length: number;
}

/** @param length 1 at least: beside a default route there is no wider one to be kept from */
export function greRuleItem({ local, remote, table, length }: GreRuleOptions): Item {
  const flow = ['from', local, 'to', remote, 'ipproto', 'gre'];
  const rules = [
    { preference: FIRST, words: ['lookup', table, 'suppress_prefixlength', String(length - 1)] },
    { preference: FIRST + 1, words: ['unreachable'] },
  ];
  const change = (verb: 'add' | 'delete', preference: number, words: readonly string[]): Command => ({
    argv: ['ip', '-4', 'rule', verb, 'preference', String(preference), ...flow, ...words],
  });
  // By what it is for; also one that was for another route.
  const remove = (preference: number): Command => ({ ...change('delete', preference, []), mayFail: true });
  const at = (facts: Facts, preference: number) => wordsOf(facts, preference, flow);
  return {
    kind: 'gre-rule',
    key: `gre-rule ${local} ${remote}`,
    desired: `GRE from ${local} to ${remote} uses a route of at least /${length} in table ${table}, or not at all`,
    reason: 'while the VPN is down the default route would be used; a rule, independent of nft',
    status(facts) {
      const wrong = rules.find(({ preference, words }) => at(facts, preference) !== words.join(' '));
      if (wrong === undefined) return { state: 'in-sync' };
      const found = at(facts, wrong.preference);
      return { state: 'differs', observed: `${wrong.preference}: ${found ?? 'there is no such rule'}` };
    },
    // The one that leads nowhere first: at no moment there is a wider way.
    apply: (facts) =>
      [...rules].reverse().flatMap(({ preference, words }) => {
        const found = at(facts, preference);
        if (found === words.join(' ')) return [];
        return [...(found === undefined ? [] : [remove(preference)]), change('add', preference, words)];
      }),
    undo: () => rules.map(({ preference }) => remove(preference)),
  };
}

/** What a rule for this flow says behind it; undefined where there is none. */
function wordsOf({ rules }: Facts, preference: number, flow: readonly string[]): string | undefined {
  const start = `${flow.join(' ')} `;
  return rules
    .filter((rule) => rule.family === 4 && rule.preference === preference)
    .map(({ words }) => words.join(' ').replace(/ ipproto 47(?= |$)/, ' ipproto gre'))
    .find((words) => words.startsWith(start))
    ?.slice(start.length);
}
