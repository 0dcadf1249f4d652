/** What a site with `fragment: inner` needs beside its queue: the MTU that its pieces fit, VLAN tags, and clamped TCP. */
import { assumedFacts } from '../tunnel/assumed.js';
import { clampName } from '../tunnel/items/clamp.js';
import { remotesOf, type Site } from '../tunnel/site/site.js';
import { tunnelSizes } from '../tunnel/tunnel-sizes.js';
import { tableOf } from '../rules/nft.js';
import { type Finding, checkOf } from './finding.js';
import { setParameter, upCommand } from './fix.js';
import { type Machine, known, pathTo } from './machine.js';
import { nftListing } from './nft-listing.js';

const FILTER_VLAN = 'net/bridge/bridge-nf-filter-vlan-tagged';

/** Bytes that the tunnel's device has to have; undefined where the path is not known. */
export function expectedMtu(machine: Machine, site: Site): number | undefined {
  if (site.fragment === 'outer') return site.mtu;
  const mtus = remotesOf(site).map((remote) => known(pathTo(machine, remote))?.mtu);
  const sure = mtus.flatMap((mtu) => mtu ?? []);
  if (sure.length < mtus.length) return undefined;
  return tunnelSizes(site, assumedFacts(site, { pathMtu: Math.min(...sure) })).inside?.mtu;
}

export function examineInnerCut(machine: Machine, site: Site): Finding[] {
  return site.fragment === 'outer' ? [] : [tagged(machine, site), clamped(machine, site)];
}

function tagged(machine: Machine, { bridge }: Site): Finding {
  const check = checkOf('site', 'fragment');
  const what = `VLAN-tagged frames of ${bridge.name}`;
  const value = machine.sysctls.get(FILTER_VLAN);
  if (value === '1') return check.ok(what, 'are cut before the tunnel as well');
  if (value === undefined) return check.unknown(what, 'br_netfilter is not loaded, or its parameters cannot be read');
  const evidence = 'do not come to iptables: those of full size are neither queued nor cut, and lost';
  return check.wrong(what, evidence, { fix: setParameter(machine, FILTER_VLAN, 1) });
}

function clamped(machine: Machine, site: Site): Finding {
  const check = checkOf('site', 'fragment');
  const what = `TCP through ${site.tunnel.name}`;
  const listing = nftListing(machine);
  if ('unknown' in listing) return check.unread(what, listing);
  const table = tableOf('bridge', clampName(site.name));
  const rules = listing.known.rules.filter((rule) => `${rule.family} ${rule.table}` === table);
  if (rules.length > 0) return check.ok(what, `table ${table} clamps it`);
  return check.wrong(what, `there is no table ${table}: its GSO packets are not cut, and lost`, {
    fix: upCommand(site, { setupOnly: true }),
  });
}
