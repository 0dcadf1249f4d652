/** ICMP that would quote what ESP had sealed never leaves for the other end. */
import { isBetween } from '../gre-policy.js';
import type { Item } from '../item.js';

/** Destination unreachable, port unreachable (RFC 792). */
const PORT_UNREACHABLE = { type: 3, code: 3 };

/**
 * GRE that nothing here takes is answered with an ICMP error (`gre_rcv`), also where it came as ESP. No policy for GRE
 * covers that error, and it quotes what was opened: 576 bytes in all (RFC 1812 §4.3.2.3).
 */
export function xfrmBlockItem(local: string, remote: string): Item {
  const { type, code } = PORT_UNREACHABLE;
  const selector = [
    ...['src', local, 'dst', remote, 'proto', 'icmp'],
    ...['type', String(type), 'code', String(code), 'dir', 'out'],
  ];
  return {
    kind: 'xfrm-block',
    key: `xfrm-block ${local} ${remote}`,
    wanted: `no ICMP "port unreachable" leaves for ${remote}`,
    reason: 'while there is no gretap it would answer what ESP had sealed with its first 548 bytes, readable',
    standing({ policies }) {
      const found = policies.find(
        (policy) =>
          policy.direction === 'out' &&
          isBetween(policy, local, remote) &&
          policy.icmp?.type === type &&
          policy.icmp.code === code,
      );
      if (found === undefined) return { state: 'not-so', found: 'no policy blocks it' };
      if (found.blocks === true) return { state: 'so' };
      const hint = `see whose it is: ip xfrm policy get ${selector.join(' ')}`;
      return { state: 'in-the-way', found: 'a policy of that selector lets it through', hint };
    },
    make: () => [{ argv: ['ip', 'xfrm', 'policy', 'add', ...selector, 'action', 'block'] }],
    undo: () => [{ argv: ['ip', 'xfrm', 'policy', 'delete', ...selector], mayFail: true }],
  };
}
