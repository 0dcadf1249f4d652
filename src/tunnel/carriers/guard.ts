/**
 * What keeps a tunnel's frames from leaving unencrypted when something that sees to their encryption is taken away: a policy,
 * a route, a rule, a device. Two guards, so that none hangs on what others flush: one in xfrm or in the routing policy,
 * and one in nft. First in, last out.
 */
import { tagOf } from '../../rules/resolve.js';
import type { Facts } from '../facts.js';
import { type Flow, nftWords } from '../flow.js';
import type { Item } from '../item.js';
import { greRuleItem } from '../items/rule.js';
import { type Chain, nftTableItem } from '../items/nft-table.js';
import { type GuardEnds, QUOTING, xfrmBlockItem, xfrmGuardItem, xfrmPassItem } from '../items/xfrm-guard.js';
import { typeOf } from '../types/table.js';
import type { Site } from '../site/site.js';
import type { TunnelEnds } from './carrier.js';

/** NF_IP_PRI_FILTER: before NAT changes the addresses that the rule is for. */
const PRIORITY = 0;

/** What distinguishes packets that may leave from those that may not: they will be ESP (a policy has taken them), or go into a device. */
type Sealed = 'by-policy' | { dev: string };

/** The ends of the tunnel's own packets, and what those are known by. */
export function guardEnds(site: Site, { local, remote }: TunnelEnds): GuardEnds {
  return { local, remote, flow: typeOf(site).flow() };
}

/** Guards of a carrier with policies, for each other end. */
export function xfrmGuards(site: Site, facts: Facts, all: readonly TunnelEnds[], sealed: Sealed): Item[] {
  return [
    ...all.flatMap((ends) => [
      ...QUOTING.map((error) => xfrmBlockItem(ends.local, ends.remote, error)),
      xfrmGuardItem(guardEnds(site, ends)),
    ]),
    ...nftGuard(site, facts, all, sealed),
  ];
}

/**
 * Guards of a carrier whose device another program makes. Where it is the default route of the main table, rules know no
 * narrower one: then a policy blocks the GRE, and another lets it into the device as it is now.
 */
export function routeGuards(site: Site, facts: Facts): Item[] {
  const { local, remote, underlay } = site;
  const { covering: route } = facts;
  const ends = guardEnds(site, site);
  const first =
    route === undefined
      ? []
      : isMainDefault(route)
        ? [xfrmGuardItem(ends), xfrmPassItem(underlay, ends)]
        : [greRuleItem({ local, remote, route })];
  return [...first, ...nftGuard(site, facts, [site], { dev: underlay })];
}

/** Whether other packets than the tunnel's use this route as well, and so no rule can be for it alone. */
export function isMainDefault({ table, length }: { table: string; length: number }): boolean {
  return table === 'main' && length === 0;
}

/** Whether the first of {@link routeGuards} stands, whichever it is, while the device and its route are away. */
export function isKeptWhileAway(site: Site, facts: Facts): boolean {
  const { local, remote } = site;
  const either = [greRuleItem({ local, remote, route: undefined }), xfrmGuardItem(guardEnds(site, site))];
  return either.some((item) => item.status(facts).state === 'in-sync');
}

/** None where nft cannot be read. */
function nftGuard(site: Site, { tables }: Facts, all: readonly TunnelEnds[], sealed: Sealed): Item[] {
  if (tables === undefined) return [];
  const { name } = site;
  const flow = typeOf(site).flow();
  const { departure } = flow;
  const ends = all.map(({ local, remote }) => `ip saddr ${local} ip daddr ${remote}`);
  const whose =
    departure === undefined
      ? `${flow.name} from ${all.map(({ local, remote }) => `${local} to ${remote}`).join(' and ')}`
      : `${flow.name}, whoever it is for,`;
  const open = sealed === 'by-policy' ? 'rt ipsec missing' : `oifname != "${sealed.dev}"`;
  const errors = QUOTING.map(({ type, code }) => `${type} . ${code}`).join(', ');
  const drop = `${open} counter drop comment "${tagOf(name)}"`;
  const how = sealed === 'by-policy' ? 'as ESP' : `by ${sealed.dev}`;
  return [
    nftTableItem({
      family: 'inet',
      name,
      chains: [
        {
          name: 'output',
          base: `type filter hook output priority ${PRIORITY}; policy accept;`,
          rules: [
            ...(departure === undefined ? ends.map((pair) => `${pair} ${nftWords(flow)}`) : [departure]),
            ...ends.map((pair) => `${pair} icmp type . icmp code { ${errors} }`),
          ].map((words) => `${words} ${drop}`),
        },
        ...arrivals(flow, name),
      ],
      desired: `${whose} leaves ${how} or not at all`,
      reason:
        sealed === 'by-policy'
          ? 'a second guard, apart from the policies: those can be flushed, or a device can be spared them (disable_xfrm)'
          : 'while that device is down another route may be used, and frames would leave unencrypted',
    }),
  ];
}

/** Policies for what arrives are for the other end's address; such a tunnel's device takes packets from any. */
function arrivals({ arrivals: own }: Flow, name: string): Chain[] {
  if (own === undefined) return [];
  const rules = own.map((words) => `${words} meta ipsec missing counter drop comment "${tagOf(name)}"`);
  return [{ name: 'input', base: `type filter hook input priority ${PRIORITY}; policy accept;`, rules }];
}

/** What the person should know of them. */
export function guardNotes(site: Site, { tables }: Facts, all: readonly TunnelEnds[]): string[] {
  if (tables !== undefined) return [];
  const { name, arrivals: own } = typeOf(site).flow();
  return [
    ...all.map(
      ({ local, remote }) =>
        `nft cannot be read here: one of two guards is missing that keep ${name} from ${local} to ${remote} from leaving unencrypted`,
    ),
    ...(own === undefined
      ? []
      : [`nft cannot be read here: what keeps ${name} from being taken unencrypted from other addresses is missing`]),
  ];
}
