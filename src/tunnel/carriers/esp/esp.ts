/** GRE inside ESP (RFC 4303), with static keys or those of an IKE daemon. */
import { bytesOf, IPV4 } from '../../../net/overhead.js';
import type { Facts } from '../../facts.js';
import { isGrePolicy } from '../../items/xfrm-policy.js';
import { machineError } from '../../site/error.js';
import type { EspCarrier, EspKeying, Site } from '../../site/site.js';
import type { Carrier } from '../carrier.js';
import { guardNotes, xfrmGuards } from '../guard.js';
import { checkIke } from '../ike/check.js';
import { connectionName, swanctlFiles } from '../ike/names.js';
import { espItems, espLayers, espNotes, refuseReqid } from './keying.js';

export const esp: Carrier<EspCarrier> = {
  layers({ mode, cipher }, payload) {
    const inside = mode === 'tunnel' ? [{ ...IPV4, name: 'IPv4 header of GRE, inside ESP' }] : [];
    return [...inside, ...espLayers(payload + bytesOf(inside), cipher), { ...IPV4, name: 'outer IPv4 header' }];
  },
  ipsec: ({ mode }) => ({ mode }),
  guards: (_spec, site, facts) => xfrmGuards(site, facts, site, 'by-policy'),
  refuse: refuseReqid,
  check(spec, site, facts) {
    checkPolicies(spec, site, facts);
    checkIke(site, facts);
  },
  items: (spec, context) => espItems(spec, context, { mode: spec.mode }),
  cuts: (spec, { local, remote }) =>
    spec.keys === 'external'
      ? [`GRE from ${local} to ${remote} that is not ESP is dropped, until the IKE daemon's policy is there`]
      : [`GRE between ${local} and ${remote} that is not ESP is dropped, until the other end has its half as well`],
  notes: (spec, site, facts) =>
    spec.keys === 'external'
      ? [
          `an IKE daemon looks after ESP: its policy must cover protocol gre (47) between ${site.local} and ${site.remote}, ` +
            `${spec.mode} mode; until it does, nothing leaves`,
          ...guardNotes(facts, site),
        ]
      : [...espNotes(spec), ...guardNotes(facts, site)],
};

/**
 * IPsec policies that others keep for the same packets. Static keys bring policies of their own. Where there are some for GRE between the same ends, another tunnel or a
 * daemon relies on them, and whoever went down first would silently remove the encryption of the other.
 */
function checkPolicies({ keys }: EspKeying, site: Site, { policies, ike }: Facts): void {
  if (keys === 'external') return;
  // The tunnel's own, of an earlier boot: charon has read the file that was left.
  const { configuration } = swanctlFiles(site);
  if (ike?.files.get(configuration)?.ours === true && ike.connections.includes(connectionName(site))) return;
  const { local, remote } = site;
  const found = policies.find((policy) => isGrePolicy(policy, local, remote) || isGrePolicy(policy, remote, local));
  if (found === undefined) return;
  throw machineError(
    'CONFLICT',
    site,
    'carrier',
    `there is a policy already for GRE between ${local} and ${remote} (${found.transform}, mode ${found.mode}, reqid ` +
      `${found.reqid}): another tunnel or an IKE daemon relies on it`,
    'keys: external leaves states and policies to their owner; or give this tunnel another pair of addresses',
  );
}
