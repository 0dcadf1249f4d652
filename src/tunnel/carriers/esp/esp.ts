/** The tunnel inside ESP (RFC 4303), with static keys or those of an IKE daemon. */
import { bytesOf, IPV4 } from '../../../net/overhead.js';
import type { Facts } from '../../facts.js';
import { flowText } from '../../flow.js';
import { isBetween, isFlowPolicy } from '../../items/xfrm-policy.js';
import { typeOf } from '../../types/table.js';
import { machineError } from '../../site/error.js';
import { type EspCarrier, type EspKeying, remotesOf, type Site } from '../../site/site.js';
import type { Carrier } from '../carrier.js';
import { guardNotes, xfrmGuards } from '../guard.js';
import { checkIke } from '../ike/check.js';
import { connectionName, pairsOf, swanctlFiles } from '../ike/names.js';
import { espItems, espLayers, espNotes, refuseKeying } from './keying.js';

export const esp: Carrier<EspCarrier> = {
  layers({ mode, cipher }, payload, site) {
    const inside =
      mode === 'tunnel' ? [{ ...IPV4, name: `IPv4 header of ${typeOf(site).flow().name}, inside ESP` }] : [];
    return [...inside, ...espLayers(payload + bytesOf(inside), cipher), { ...IPV4, name: 'outer IPv4 header' }];
  },
  ipsec: ({ mode }) => ({ mode }),
  guards: (_spec, site, facts) => xfrmGuards(site, facts, pairsOf(site), 'by-policy'),
  refuse: refuseKeying,
  check(spec, site, facts) {
    for (const pair of pairsOf(site)) checkPolicies(spec, pair, facts);
    checkIke(site, facts);
  },
  items: (spec, context) => espItems(spec, context, { mode: spec.mode }),
  cuts(spec, site) {
    const { name } = typeOf(site).flow();
    return remotesOf(site).map((remote) =>
      spec.keys === 'external'
        ? `${name} from ${site.local} to ${remote} that is not ESP is dropped, until the IKE daemon's policy is there`
        : `${name} between ${site.local} and ${remote} that is not ESP is dropped, until the other end has its half as well`,
    );
  },
  notes: (spec, site, facts) => [
    ...(spec.keys === 'external'
      ? [
          `an IKE daemon looks after ESP: its policy must cover ${flowText(typeOf(site).flow())} between ${site.local} and ` +
            `${remotesOf(site).join(', ')}, ${spec.mode} mode; until it does, nothing leaves`,
        ]
      : espNotes(spec)),
    ...guardNotes(site, facts, pairsOf(site)),
  ],
};

/**
 * IPsec policies that others keep for the same packets. Static keys bring policies of their own. Where there are some
 * already, another tunnel or a daemon relies on them, and whoever went down first would silently remove the encryption
 * of the other.
 */
function checkPolicies({ keys, reqid }: EspKeying, site: Site, { policies, ike }: Facts): void {
  if (keys === 'external') return;
  // The tunnel's own, of an earlier boot: charon has read the file that was left.
  const { configuration } = swanctlFiles(site);
  if (ike?.files.get(configuration)?.ours === true && ike.connections.includes(connectionName(site))) return;
  const { local, remote } = site;
  const flow = typeOf(site).flow();
  const leaving = policies.filter((one) => one.direction === 'out' && isBetween(one, local, remote));
  const arriving = policies.filter((one) => one.direction === 'in' && isBetween(one, remote, local));
  const found =
    leaving.find((one) => isFlowPolicy(one, flow, 'out')) ?? arriving.find((one) => isFlowPolicy(one, flow, 'in'));
  if (found !== undefined) {
    throw machineError(
      'CONFLICT',
      site,
      'carrier',
      `there is a policy already for ${flow.name} between ${local} and ${remote} (${found.transform}, mode ${found.mode}, reqid ` +
        `${found.reqid}): another tunnel or an IKE daemon relies on it`,
      'keys: external leaves states and policies to their owner; or give this tunnel another pair of addresses',
    );
  }
  // The kernel chooses an association by it: two tunnels would use each other's keys.
  const shared = leaving.find((one) => one.transform === 'esp' && one.reqid === reqid && one.mark === undefined);
  if (shared === undefined) return;
  throw machineError(
    'CONFLICT',
    site,
    'carrier.reqid',
    `a policy for other packets from ${local} to ${remote} (protocol ${shared.protocol ?? 'any'}) has reqid ${reqid} already: ` +
      'one of the two would use keys of the other',
    'carrier: { …, reqid: NUMBER }, another number, on both ends',
  );
}
