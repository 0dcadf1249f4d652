/** IPsec policies that somebody else keeps for the same packets. */
import type { Facts } from '../facts.js';
import { connectionName, swanctlFiles } from '../ike/names.js';
import { isGrePolicy } from '../gre-policy.js';
import { machineError } from '../site-error.js';
import type { Site } from '../site.js';

/**
 * Static keys bring policies of their own. Where there are some for GRE between the same ends, another tunnel or a
 * daemon relies on them, and whoever went down first would take the encryption of the other away, without a word.
 */
export function checkPolicies({ carrier, ...site }: Site, { policies, ike }: Facts): void {
  // Those of a device go by its mark or number, and meet no others.
  if ((carrier.type !== 'esp' && carrier.type !== 'esp-in-udp') || carrier.keys === 'external') return;
  // The tunnel's own, of an earlier boot: charon has read the file that was left.
  const { configuration } = swanctlFiles(site);
  if (ike?.files.get(configuration)?.ours === true && ike.connections.includes(connectionName(site))) return;
  const { local, remote } = site;
  const found = policies.find((policy) => isGrePolicy(policy, local, remote) || isGrePolicy(policy, remote, local));
  if (found === undefined) return;
  throw machineError(
    'CONFLICT',
    { carrier, ...site },
    'carrier',
    `there is a policy already for GRE between ${local} and ${remote} (${found.transform}, mode ${found.mode}, reqid ` +
      `${found.reqid}): another tunnel or an IKE daemon relies on it`,
    'keys: external leaves states and policies to their owner; or give this tunnel another pair of addresses',
  );
}
