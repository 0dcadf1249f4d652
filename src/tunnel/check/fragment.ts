/** What does not go with `fragment: inner`: a cut before the tunnel. */
import { IPV4_MTU_MIN } from '../../net/protocol.js';
import { carrierOf } from '../carriers/table.js';
import type { Facts } from '../facts.js';
import { machineError, siteError } from '../site/error.js';
import { gretapOf, type Site } from '../site/site.js';
import { VLAN_TAG } from '../sizes.js';
import { tunnelSizes } from '../tunnel-sizes.js';

/** @throws ClearDfError USAGE with the place of the value that came second */
export function refuseInnerCut(site: Site): void {
  if (site.fragment === 'outer') return;
  const { tunnel, carrier, hook, engine } = site;
  if (tunnel.type === 'l2tp') {
    const reason =
      'a tunnel of type l2tp is not made for small packets: over IPv6 the kernel gives each of them a fragment header, ' +
      'also those that fit (seen on 6.1), and over IPv4 it was not tried';
    throw siteError(site, 'fragment', reason, 'tunnel: { type: gretap }, or type: vxlan');
  }
  const hidden = carrierOf(site).hidesFragments;
  if (hidden !== undefined) {
    const reason = `with carrier ${carrier.type} ${hidden}: a path that loses fragments loses none of these`;
    throw siteError(site, 'fragment', reason, 'leave fragment out');
  }
  if (gretapOf(site)?.pmtudisc === true) {
    const reason = 'it has DF cleared outside, so that outer packets can be cut, which fragment: inner is to prevent';
    throw siteError(site, 'tunnel.pmtudisc', reason, 'leave pmtudisc out');
  }
  if (hook === 'nft-bridge') {
    const reason =
      'nft-bridge is not accepted: it is br_netfilter that cuts, and it takes DF as it was before that hook';
    throw siteError(site, 'hook', reason, 'leave hook out');
  }
  if (engine === 'auto' || engine === 'nfqueue') return;
  const why =
    engine === 'bpf'
      ? 'its program stands at the egress of the tunnel device, behind the bridge, which has dropped what has DF by then'
      : 'it lets the tunnel device take what is too large, and nothing too large comes there';
  throw siteError(
    site,
    'engine',
    `${engine} does not go with fragment: inner: ${why}`,
    'leave engine out, or engine: nfqueue',
  );
}

/** @throws ClearDfError ENVIRONMENT where the path has no room for a piece */
export function checkInnerCut(site: Site, facts: Facts): void {
  if (site.fragment === 'outer') return;
  const { fits, pathMtu } = roomOf(site, facts);
  if (fits >= IPV4_MTU_MIN) return;
  throw machineError(
    'ENVIRONMENT',
    site,
    'fragment',
    `the path carries ${pathMtu} bytes, which leaves ${fits} for a host's packet; IPv4 needs ${IPV4_MTU_MIN} (RFC 791 §3.2)`,
  );
}

function roomOf(site: Site, facts: Facts): { fits: number; pathMtu: number } {
  const { fits, pathMtu } = tunnelSizes({ ...site, fragment: 'outer' }, facts);
  return { fits: fits - VLAN_TAG, pathMtu };
}
