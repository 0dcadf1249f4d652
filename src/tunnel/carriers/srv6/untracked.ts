/** GRE of the tunnel is kept from connection tracking: that puts fragments together again where they must stay apart. */
import { PROTOCOL_NUMBERS } from '../../../net/protocol.js';
import { tagOf } from '../../../rules/resolve.js';
import type { Facts } from '../../facts.js';
import type { Item } from '../../item.js';
import { nftTableItem } from '../../items/nft-table.js';
import type { Site } from '../../site.js';

/** Before NF_IP_PRI_CONNTRACK_DEFRAG, -400; iptables' table raw comes after it. */
const PRIORITY = -450;
export const CONNTRACK = 'nf_conntrack';

/**
 * On the way out, between the hop that cuts and the segments, a whole packet is too large again and lost; on the way in
 * what has been put together does not get past End.DT4 (seen on 6.1).
 * @returns undefined where nothing tracks, or where nft cannot be used
 */
export function untrackedItem({ name, local, remote }: Site, { modules, tables }: Facts): Item | undefined {
  if (!modules.has(CONNTRACK) || tables === undefined) return undefined;
  const chain = (hook: 'output' | 'prerouting', from: string, to: string) => [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority ${PRIORITY}; policy accept;`,
    `    ip saddr ${from} ip daddr ${to} ip protocol ${PROTOCOL_NUMBERS.gre} notrack comment "${tagOf(name)}"`,
    '  }',
  ];
  return nftTableItem({
    family: 'ip',
    // A dot: no instance can have this name, whose own tables stay apart.
    name: `${name}.srv6`,
    lines: [...chain('output', local, remote), ...chain('prerouting', remote, local)],
    desired: `connection tracking leaves GRE between ${local} and ${remote} alone`,
    reason: 'it would put fragments together before they are in IPv6, and what it has put together is lost',
  });
}
