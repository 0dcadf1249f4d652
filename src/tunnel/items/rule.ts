/** Rules of the routing policy. */
import type { Facts } from '../facts.js';
import type { Command, Item } from '../item.js';
import { markText } from '../mark.js';
import type { Mark } from '../site/site.js';

interface PolicyRuleOptions {
  /** Lower ones are asked first. */
  preference: number;
  /** Packets with this mark are left alone. */
  unless: Mark;
  table: number;
  /** What the rule is for: the route to this host then uses this device. */
  host: string;
  dev: string;
  reason: string;
}

/** A rule leads packets without a mark into a table. */
export function policyRuleItem(options: PolicyRuleOptions): Item {
  const { preference, unless, table, host, dev, reason } = options;
  const words = ['not', 'fwmark', markText(unless), 'lookup', String(table)];
  const change = (verb: 'add' | 'delete') => ['ip', '-4', 'rule', verb, 'preference', String(preference), ...words];
  return {
    kind: 'policy-rule',
    key: `policy-rule ${preference} ${markText(unless)} ${table}`,
    desired: `what has not the mark ${markText(unless)} is routed by table ${table}, and so ${host} by ${dev}`,
    reason,
    status(facts) {
      if (!isThere(facts, options)) return { state: 'differs', observed: 'there is no such rule' };
      const { path } = facts;
      if (path?.dev === dev) return { state: 'in-sync' };
      // Otherwise the tunnel would leave unencrypted, by the other device.
      const found = path === undefined ? 'there is no route' : `the route uses ${path.dev}`;
      return {
        state: 'differs',
        observed: `the rule is there, but ${found} to ${host}: see ip rule, and ip route get ${host}`,
      };
    },
    apply: (facts) => (isThere(facts, options) ? [] : [{ argv: change('add') }]),
    undo: () => [{ argv: change('delete'), mayFail: true }],
  };
}

function isThere({ rules }: Facts, { preference, unless, table }: PolicyRuleOptions): boolean {
  const wanted = ['not', 'from', 'all', 'fwmark', markText(unless), 'lookup', String(table)].join(' ');
  // A full mask is not printed.
  const bare = wanted.replace('/0xffffffff', '');
  return rules.some(
    (rule) => rule.family === 4 && rule.preference === preference && [wanted, bare].includes(rule.words.join(' ')),
  );
}

/** Before those that others usually have; only `local` (0) is earlier. */
const FIRST = 32;

interface GreRuleOptions {
  local: string;
  remote: string;
  /**
   * Where the route is that leads to the other end: the table as `ip` prints it, and the route's prefix length; undefined
   * while there is none: then only the second rule counts.
   */
  route: { table: string; length: number } | undefined;
}

/**
 * The tunnel's GRE is routed by the route that leads to the other end now, or one that is as narrow, or not at all: while
 * the device of that route is away, a wider one (the default route) would lead elsewhere. Two rules, and no route is
 * touched: what comes back is found again. Of a default route in a table of its own, as wg-quick has it, that table alone
 * is asked.
 */
export function greRuleItem({ local, remote, route }: GreRuleOptions): Item {
  const flow = ['from', local, 'to', remote, 'ipproto', 'gre'];
  const rules = [
    ...(route === undefined ? [] : [narrowRule(route)]),
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
    desired: `GRE from ${local} to ${remote} ${route === undefined ? 'does not leave by another route' : routeText(route)}`,
    reason: 'while the VPN is down the default route would be used; a rule, independent of nft',
    status(facts) {
      const wrong = rules.find(({ preference, words }) => at(facts, preference) !== words.join(' '));
      if (wrong === undefined) return { state: 'in-sync' };
      const found = at(facts, wrong.preference);
      return { state: 'differs', observed: `${wrong.preference}: ${found ?? 'there is no such rule'}` };
    },
    // The one that leads nowhere first: at no moment is there a wider route.
    apply: (facts) =>
      [...rules].reverse().flatMap(({ preference, words }) => {
        const found = at(facts, preference);
        if (found === words.join(' ')) return [];
        return [...(found === undefined ? [] : [remove(preference)]), change('add', preference, words)];
      }),
    undo: () => rules.map(({ preference }) => remove(preference)),
  };
}

function narrowRule({ table, length }: { table: string; length: number }) {
  const narrow = length === 0 ? [] : ['suppress_prefixlength', String(length - 1)];
  return { preference: FIRST, words: ['lookup', table, ...narrow] };
}

function routeText({ table, length }: { table: string; length: number }): string {
  return `uses ${length === 0 ? 'a route' : `a route of at least /${length}`} in table ${table}, or not at all`;
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
