/** There is a VRF with this routing table. */
import { linkOf } from '../facts.js';
import type { Item } from '../item.js';

/** `ip link … type vrf`; the kernel's rule that looks into the tables of VRFs comes with the first one, and stays. */
export function vrfItem(name: string, table: number, reason: string): Item {
  return {
    kind: 'vrf',
    key: `vrf ${name}`,
    desired: `there is a VRF ${name} with table ${table}`,
    reason,
    status(facts) {
      const link = linkOf(facts, name);
      if (link === undefined) return { state: 'differs', observed: 'there is none' };
      if (link.kind === 'vrf' && Number(link.data['table']) === table) return { state: 'in-sync' };
      const found =
        link.kind === 'vrf'
          ? `${name} has table ${String(link.data['table'])}`
          : `${name} is a ${link.kind ?? 'hardware'} device`;
      return { state: 'conflict', observed: found, hint: 'choose another name, or the table that it has' };
    },
    apply: () => [{ argv: ['ip', 'link', 'add', 'name', name, 'type', 'vrf', 'table', String(table)] }],
    undo: (facts) =>
      linkOf(facts, name) === undefined
        ? [{ argv: ['ip', 'link', 'delete', 'dev', name, 'type', 'vrf'], mayFail: true, onlyWhile: { noPorts: name } }]
        : [],
  };
}
