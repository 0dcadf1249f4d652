/** Rules inside the kernel: nft clears DF on the way into the tunnel. */
import { PROTOCOL_NUMBERS } from '../../net/protocol.js';
import { DF_MASK, tagOf } from '../../rules/resolve.js';
import { carrierOf } from '../carriers/table.js';
import type { Item } from '../item.js';
import { nftTableItem } from '../items/nft-table.js';
import type { Site } from '../site/site.js';
import { type EngineDefinition, ability } from './engine.js';

/** All of flags and offset but DF (RFC 791 §3.1): `set 0` would take fragments apart. */
const ALL_BUT_DF = '0xbfff';
/** Flags and offset of a whole packet with DF: neither a fragment nor to be fragmented. */
const FRAGMENT_BITS = '0x7fff';
/** NF_IP_PRI_MANGLE, as the queue's rules. */
const PRIORITY = -150;
/** RFC 4302: the identification is authenticated. */
const AH = 51;
/**
 * `mod 65536` would make every identification 0: nft turns the number round as 4 bytes, and the kernel stores the first
 * two of them. With all 32 bits in use, those two are random.
 */
const RANDOM_IDENTIFICATION = 'ip id set numgen random mod 4294967295';

export const nft: EngineDefinition = {
  name: 'nft',
  can: (_site, facts) =>
    ability(
      facts,
      'nftClearsDf',
      {
        yes: 'nft clears DF here, found by trying',
        no: 'the rule loads, but this kernel stops it at the write of flags and offset (seen on 7.2, not on 6.12)',
        unknown: 'whether nft still clears DF on this kernel could not be found out (7.2 does not, 6.12 does)',
      },
      'use engine: nfqueue or engine: tunnel-flag',
    ),
  trade:
    'nothing runs in user space; identifications are random but may repeat while fragments are in transit, one in ' +
    '65536 stays 0, and nothing but nft counts',
  parts: ({ site }) => ({ ignoreDf: false, first: tables(site), onBridge: [], mangler: undefined, notes: [] }),
};

function tables(site: Site): Item[] {
  const { name, tunnel } = site;
  const { local, remote } = carrierOf(site).ends();
  const comment = `comment "${tagOf(name)}"`;
  const df = `0x${DF_MASK.toString(16)}`;
  const clear = `ip frag-off & ${df} != 0 counter ip frag-off set ip frag-off & ${ALL_BUT_DF} ${comment}`;
  // `meta protocol`, not the Ethernet header: a VLAN tag in front of IPv4 does not hide it.
  const frame = `oifname "${tunnel.name}" meta protocol ip`;
  const inner = nftTableItem({
    family: 'bridge',
    name,
    lines: chain('forward', [
      `${frame} ip protocol ${AH} ip id 0 counter return ${comment}`,
      `${frame} ip frag-off & ${FRAGMENT_BITS} == ${df} ip id 0 ${RANDOM_IDENTIFICATION} ${comment}`,
      `${frame} ${clear}`,
    ]),
    desired: `nft clears DF of IPv4 frames that enter ${tunnel.name}`,
    reason: 'clears DF, and gives whole packets without an identification a random one: their fragments need it',
  });
  if (!tunnel.pmtudisc) return [inner];
  // The kernel numbers GRE headers even with DF set (`iptunnel_xmit`).
  const outer = nftTableItem({
    family: 'ip',
    name,
    lines: chain('output', [`ip saddr ${local} ip daddr ${remote} ip protocol ${PROTOCOL_NUMBERS.gre} ${clear}`]),
    desired: `nft clears DF of GRE from ${local} to ${remote}`,
    reason: 'tunnel.pmtudisc sets DF on the outer header whatever the inner one says',
  });
  return [inner, outer];
}

function chain(hook: 'forward' | 'output', rules: readonly string[]): string[] {
  return [
    `  chain ${hook} {`,
    `    type filter hook ${hook} priority ${PRIORITY}; policy accept;`,
    ...rules.map((rule) => `    ${rule}`),
    '  }',
  ];
}
