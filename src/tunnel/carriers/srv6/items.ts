/** What a tenant needs on this router: its VRF, the route into segments, and the segment that leads out of them. */
import { PROTOCOL_NUMBERS } from '../../../net/protocol.js';
import { tagOf } from '../../../rules/resolve.js';
import { type Facts, linkOf } from '../../facts.js';
import type { Item } from '../../item.js';
import { addressOnItem } from '../../items/address.js';
import { moduleItem } from '../../items/module.js';
import { nftTableItem } from '../../items/nft-table.js';
import { sysctlItem } from '../../items/sysctl.js';
import { tableRouteItem, tunsrcItem } from '../../items/route.js';
import { upItem, vrfItem } from '../../items/link.js';
import type { Site, Srv6Carrier } from '../../site/site.js';
import type { CarrierContext } from '../carrier.js';
import { chooseCorePath, type CorePath } from './sizes.js';

const STRICT_MODE = 'net/vrf/strict_mode';
/** Before NF_IP_PRI_CONNTRACK_DEFRAG, -400; iptables' table raw comes after it. */
const PRIORITY = -450;
export const CONNTRACK = 'nf_conntrack';

export function srv6Items(spec: Srv6Carrier, context: CarrierContext): Item[] {
  const { site, facts } = context;
  const path = chooseCorePath(spec, site, facts);
  const untracked = untrackedItem(site, facts);
  return [
    moduleItem('vrf', { reason: 'VRF devices are part of it; it stays loaded, because others may use it unseen' }),
    sysctlItem(STRICT_MODE, '1', {
      reason: 'End.DT4 wants a table to belong to one VRF only; for all VRFs of this network namespace',
      backWhile: { noRoutesWith: ['encap', 'seg6local'] },
    }),
    ...vrfItems(spec, context),
    ...(untracked === undefined ? [] : [untracked]),
    ...outItems(spec, context, path),
    tableRouteItem({
      ...{ family: 6, table: 'main', destination: spec.sid },
      ...segmentWords(spec),
      desired: `packets to ${spec.sid} are decapsulated and routed in ${spec.vrf}`,
      reason: 'End.DT4: the other end names it last of its segments',
    }),
  ];
}

function segmentWords({ table, vrf }: Srv6Carrier) {
  const action = `encap seg6local action End.DT4 vrftable ${table}`;
  return { words: [...action.split(' '), 'dev', vrf], shown: [action, `dev ${vrf}`] };
}

function vrfItems({ vrf, table }: Srv6Carrier, { site, facts }: CarrierContext): Item[] {
  const fresh = linkOf(facts, vrf) === undefined;
  return [
    vrfItem(vrf, table, "the tenant's routing table: addresses of one tenant mean nothing to the others"),
    sysctlItem(`net/ipv6/conf/${vrf}/disable_ipv6`, '0', {
      reason: 'the segment is an IPv6 route by this device; the kernel refuses one where IPv6 is off',
      fresh,
    }),
    // The larger of this and `all` counts: 2 holds against a strict `all` as well.
    sysctlItem(`net/ipv4/conf/${vrf}/rp_filter`, '2', {
      reason: 'packets come out of a segment at this device, and answers leave by another: a strict filter drops them',
      fresh,
    }),
    upItem(vrf, { reason: 'a VRF that is down routes nothing', fresh }),
    addressOnItem(
      { family: 4, prefix: `${site.local}/32`, scope: 'global', dynamic: false },
      vrf,
      "this end of the tunnel, in the tenant's table",
    ),
  ];
}

/** The routes from GRE to the core. */
function outItems(spec: Srv6Carrier, { site, facts }: CarrierContext, path: CorePath): Item[] {
  const { vrf, table, hop, segments, encap, source } = spec;
  const intoSegments = `encap seg6 mode ${encap} segs`;
  const seg6 = (inTable: number) =>
    tableRouteItem({
      ...{ family: 4, table: String(inTable), destination: site.remote },
      words: [...intoSegments.split(' '), segments.join(), 'dev', site.underlay],
      shown: [`${intoSegments} ${segments.length} [ ${segments.join(' ')} ]`, `dev ${site.underlay}`],
      desired: `packets to ${site.remote} in table ${inTable} are put into IPv6, by ${segments.join(', ')}`,
      reason:
        segments.length === 1
          ? 'the segment is where the other router decapsulates them'
          : `the last of ${segments.length} segments is where the other router decapsulates them`,
    });
  const tunsrc = tunsrcItem(source, 'one for every tenant of this network namespace; ICMP errors return to it');
  if (path.cut === 'whole') return [tunsrc, seg6(table)];
  const fresh = linkOf(facts, hop.vrf) === undefined;
  return [
    tunsrc,
    vrfItem(hop.vrf, hop.table, 'the second hop: what is routed into it has been cut already'),
    upItem(hop.vrf, { reason: 'a VRF that is down routes nothing', fresh }),
    seg6(hop.table),
    tableRouteItem({
      ...{ family: 4, table: String(table), destination: site.remote },
      words: ['dev', hop.vrf, 'mtu', String(path.room)],
      shown: [`dev ${hop.vrf}`, `mtu ${path.room}`],
      desired: `packets to ${site.remote} go from ${vrf} to ${hop.vrf}, at most ${path.room} bytes each`,
      reason: `a route into segments cuts nothing: this one cuts to what ${path.core} bytes of core leave for IPv4`,
    }),
  ];
}

/**
 * GRE of the tunnel is kept from connection tracking, which puts fragments together where they must stay apart.
 * On departure, between the hop that cuts and the segments, a whole packet is too large again and lost; on arrival
 * what has been put together does not get past End.DT4 (seen on 6.1).
 * @returns undefined where nothing tracks, or where nft cannot be used
 */
function untrackedItem({ name, local, remote }: Site, { modules, tables }: Facts): Item | undefined {
  if (!modules.has(CONNTRACK) || tables === undefined) return undefined;
  const chain = (hook: 'output' | 'prerouting', from: string, to: string) => ({
    name: hook,
    base: `type filter hook ${hook} priority ${PRIORITY}; policy accept;`,
    rules: [`ip saddr ${from} ip daddr ${to} ip protocol ${PROTOCOL_NUMBERS.gre} notrack comment "${tagOf(name)}"`],
  });
  return nftTableItem({
    family: 'ip',
    // A dot: no instance can have this name, whose own tables stay apart.
    name: `${name}.srv6`,
    chains: [chain('output', local, remote), chain('prerouting', remote, local)],
    desired: `connection tracking leaves GRE between ${local} and ${remote} alone`,
    reason: 'it would put fragments together before they are in IPv6, and what it has put together is lost',
  });
}
