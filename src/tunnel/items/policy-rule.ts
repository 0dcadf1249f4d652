/** A rule of the routing policy leads packets without a mark into a table. */
import type { Facts } from '../facts.js';
import type { Item } from '../item.js';
import { markText } from '../mark.js';
import type { Mark } from '../site/site.js';

export interface PolicyRuleOptions {
  /** Lower ones are asked first. */
  preference: number;
  /** Packets with this mark are left alone. */
  unless: Mark;
  table: number;
  /** What the rule is for: the way to this host then goes by this device. */
  host: string;
  dev: string;
  reason: string;
}

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
      const way = path === undefined ? 'there is no route' : `the route uses ${path.dev}`;
      return {
        state: 'differs',
        observed: `the rule is there, but ${way} to ${host}: see ip rule, and ip route get ${host}`,
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
