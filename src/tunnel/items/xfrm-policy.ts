/** Packets of one selector must be, or are made, ESP. */
import { isGrePolicy } from '../gre-policy.js';
import type { Item } from '../item.js';

export interface PolicyOptions {
  direction: 'in' | 'out';
  source: string;
  destination: string;
  mode: 'transport' | 'tunnel';
  reqid: number;
  reason: string;
}

/** A policy for GRE between two addresses. */
export function xfrmPolicyItem({ direction, source, destination, mode, reqid, reason }: PolicyOptions): Item {
  const selector = ['src', source, 'dst', destination, 'proto', 'gre', 'dir', direction];
  const ends = mode === 'tunnel' ? ['src', source, 'dst', destination] : [];
  const template = ['tmpl', ...ends, 'proto', 'esp', 'reqid', String(reqid), 'mode', mode];
  return {
    kind: 'xfrm-policy',
    key: `xfrm-policy ${direction} ${source} ${destination}`,
    wanted: `GRE ${direction === 'out' ? 'to' : 'from'} ${direction === 'out' ? destination : source} is ESP, ${mode} mode`,
    reason,
    standing({ policies }) {
      const found = policies.find(
        (policy) => policy.direction === direction && isGrePolicy(policy, source, destination),
      );
      if (found === undefined) return { state: 'not-so', found: 'there is no such policy' };
      if (found.transform === 'esp' && found.mode === mode && found.reqid === reqid) return { state: 'so' };
      const words = `a policy of that selector asks for ${found.transform}, mode ${found.mode}, reqid ${found.reqid}`;
      return { state: 'in-the-way', found: words, hint: `see whose it is: ip xfrm policy get ${selector.join(' ')}` };
    },
    make: () => [{ argv: ['ip', 'xfrm', 'policy', 'add', ...selector, ...template] }],
    undo: () => [{ argv: ['ip', 'xfrm', 'policy', 'delete', ...selector], mayFail: true }],
  };
}
