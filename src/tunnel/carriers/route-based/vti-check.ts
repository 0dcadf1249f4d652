/** What a VTI cannot stand beside. */
import { isInPrefix } from '../../../net/address.js';
import type { Facts, Link, XfrmPolicy } from '../../facts.js';
import { readGreKey } from '../../items/tunnel-device.js';
import { hex } from '../../mark.js';
import { machineError } from '../../site/error.js';
import type { Mark, Site, VtiCarrier } from '../../site/site.js';
import type { TunnelEnds } from '../carrier.js';
import { checkDeviceName } from './check.js';

/** The device itself: its name, its ends, and the ESP that it takes. */
export function checkVti(spec: VtiCarrier, site: Site, facts: Facts): void {
  checkDeviceName(site, spec.device, 'vti', facts);
  refuseTwin(spec, site, facts);
  refuseOtherEsp(spec, site, facts);
}

/** `ip_tunnel_find` takes one VTI for a pair of ends and a key; what arrives is assigned by the ends alone. */
function refuseTwin({ device }: VtiCarrier, site: Site, { links }: Facts): void {
  const sameEnds = ({ kind, data }: Link) =>
    kind === 'vti' && data['local'] === site.local && data['remote'] === site.remote;
  const twin = links.find((link) => link.name !== device && sameEnds(link));
  if (twin === undefined) return;
  const key = readGreKey(twin.data['okey']);
  throw machineError(
    'CONFLICT',
    site,
    'carrier',
    `${twin.name} is a VTI from ${site.local} to ${site.remote} already${key === undefined ? '' : ` (key ${hex(key)})`}: ` +
      'what arrives is matched by the two addresses alone',
    `ip link delete dev ${twin.name} if it is not in use; or carrier: xfrm-interface`,
  );
}

/** `vti_rcv` takes every ESP packet between its ends, whoever's association it has. */
function refuseOtherEsp({ keys }: VtiCarrier, site: Site, { states }: Facts): void {
  if (keys === 'external' || keys === 'ike') return;
  const { local, remote } = site;
  const other = states.find(
    ({ source, destination, protocol }) => protocol === 'esp' && source === remote && destination === local,
  );
  if (other === undefined) return;
  throw machineError(
    'CONFLICT',
    site,
    'carrier',
    `there is other ESP from ${remote} already (SPI ${hex(other.spi)}, reqid ${other.reqid}): a VTI takes all of it, and ` +
      'drops what its own policies do not cover (XfrmInNoPols)',
    'carrier: xfrm-interface can coexist with it; or give this tunnel another pair of addresses',
  );
}

/**
 * IPsec global policies that would take what the device is for.
 *
 * A VTI asks for its policies with its key as the mark, and one that matches every mark can be found first. Before a
 * packet comes to the device at all, the machine's own policies are asked with mark 0, so that a mark of 0 keeps them
 * apart only where their selectors do, too. An XFRM interface is spared both: its `if_id` is no wildcard, and its
 * `disable_xfrm` leaves out the question before.
 */
export function checkGlobalPolicies(
  spec: VtiCarrier,
  site: Site,
  { policies }: Facts,
  { local, remote }: TunnelEnds,
): void {
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

/** Asked with mark 0 where a packet is routed to the device, and with the key in it; on arrival with the key only. */
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
