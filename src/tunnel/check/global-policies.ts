/** IPsec global policies that would take what a carrier's device is for. */
import { isInPrefix } from '../../net/address.js';
import type { TunnelEnds } from '../carriers/carrier.js';
import type { Facts, XfrmPolicy } from '../facts.js';
import { machineError } from '../site-error.js';
import type { Mark, Site, VtiCarrier, XfrmInterfaceCarrier } from '../site.js';

/**
 * A VTI asks for its policies with its key as the mark, and one that matches every mark can be found first. Before a
 * packet comes to the device at all, the machine's own policies are asked with mark 0, so that a mark of 0 keeps them
 * apart only where their selectors do, too. An XFRM interface is spared both: its `if_id` is no wildcard, and its
 * `disable_xfrm` leaves out the question before.
 */
export function checkGlobalPolicies(
  spec: VtiCarrier | XfrmInterfaceCarrier,
  site: Site,
  { policies }: Facts,
  { local, remote }: TunnelEnds,
): void {
  if (spec.type !== 'vti') return;
  const found = policies.find(
    (policy) =>
      (policy.direction === 'out' ? covers(policy, local, remote) : covers(policy, remote, local)) &&
      policy.ifId === undefined &&
      catches(policy, spec.mark),
  );
  if (found === undefined) return;
  const { direction, source, destination, mark, reqid } = found;
  const whole = mark === undefined ? 'with any mark' : 'with mark 0';
  throw machineError(
    'CONFLICT',
    site,
    'carrier',
    `a global policy (${direction}, ${source} to ${destination}, ${whole}, reqid ${reqid}) takes GRE between ` +
      `${local} and ${remote} before ${spec.device} can`,
    'give it a narrower selector, and mark 0 (mark 0 mask 0xffffffff), which keeps it out of the VTI; or carrier: xfrm-interface',
  );
}

/** Asked with mark 0 where a packet is routed to the device, and with the key in it; on the way in with the key only. */
function catches({ direction, mark }: XfrmPolicy, key: Mark): boolean {
  if (mark === undefined) return direction === 'out' || direction === 'in';
  const asked = direction === 'out' ? [0, key.value] : direction === 'in' ? [key.value] : [];
  return asked.some((value) => (value & mark.mask) >>> 0 === mark.value);
}

function covers({ source, destination, protocol, greKey }: XfrmPolicy, from: string, to: string): boolean {
  // Of another tunnel between the same ends: a guard, which is for its key alone.
  if (greKey !== undefined) return false;
  if (protocol !== undefined && protocol !== 'gre' && protocol !== '47') return false;
  return holds(source, from) && holds(destination, to);
}

function holds(prefix: string, address: string): boolean {
  if (prefix.includes(':')) return false;
  return isInPrefix(address, prefix.includes('/') ? prefix : `${prefix}/32`);
}
