/** ICMP that would quote what ESP had sealed never leaves for the other end. */
import { isBetween } from '../gre-policy.js';
import type { Item } from '../item.js';

/** One ICMP error (RFC 792), and when the kernel would answer opened packets with it. */
export interface IcmpError {
  type: number;
  code: number;
  name: string;
  when: string;
}

/** Each quotes what it answers: 576 bytes in all (RFC 1812 §4.3.2.3). */
export const QUOTING: readonly IcmpError[] = [
  // `gre_rcv`
  { type: 3, code: 3, name: 'port unreachable', when: 'while there is no gretap' },
  // `ip_protocol_deliver_rcu`
  { type: 3, code: 2, name: 'protocol unreachable', when: 'while ip_gre is not loaded' },
  // `ip_expire`
  { type: 11, code: 1, name: 'fragment reassembly time exceeded', when: 'when a fragment of GRE is lost' },
];

/** GRE is answered also where it came as ESP, and no policy for GRE covers the error. */
export function xfrmBlockItem(local: string, remote: string, { type, code, name, when }: IcmpError): Item {
  const selector = [
    ...['src', local, 'dst', remote, 'proto', 'icmp'],
    ...['type', String(type), 'code', String(code), 'dir', 'out'],
  ];
  return {
    kind: 'xfrm-block',
    key: `xfrm-block ${local} ${remote} icmp ${type}/${code}`,
    desired: `no ICMP "${name}" leaves for ${remote}`,
    reason: `${when} it would answer what ESP had sealed with its first 548 bytes, readable`,
    status({ policies }) {
      const found = policies.find(
        (policy) =>
          policy.direction === 'out' &&
          isBetween(policy, local, remote) &&
          policy.icmp?.type === type &&
          policy.icmp.code === code,
      );
      if (found === undefined) return { state: 'differs', observed: 'no policy blocks it' };
      if (found.blocks === true) return { state: 'in-sync' };
      const hint = `see whose it is: ip xfrm policy get ${selector.join(' ')}`;
      return { state: 'conflict', observed: 'a policy of that selector lets it through', hint };
    },
    apply: () => [{ argv: ['ip', 'xfrm', 'policy', 'add', ...selector, 'action', 'block'] }],
    undo: () => [{ argv: ['ip', 'xfrm', 'policy', 'delete', ...selector], mayFail: true }],
  };
}
