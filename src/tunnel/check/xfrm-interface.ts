/** What an XFRM interface cannot stand beside. */
import type { Facts } from '../facts.js';
import { ifIdOf } from '../items/xfrm-device.js';
import { hex } from '../mark.js';
import { machineError } from '../site-error.js';
import type { Site, XfrmInterfaceCarrier } from '../site.js';
import { checkDeviceName } from './carrier-device.js';

export function checkXfrmInterface({ device, ifId, keys }: XfrmInterfaceCarrier, site: Site, facts: Facts): void {
  checkDeviceName(site, device, 'xfrm', facts);
  // xfrmi_newlink in net/xfrm/xfrm_interface_core.c: one device for each if_id (EEXIST).
  const twin = facts.links.find((link) => link.name !== device && link.kind === 'xfrm' && ifIdOf(link.data) === ifId);
  if (twin !== undefined) {
    throw machineError(
      'CONFLICT',
      site,
      'carrier.if-id',
      `${twin.name} has if_id ${hex(ifId)} already; the kernel accepts one (EEXIST)`,
      `another carrier.if-id; it means nothing to the other end`,
    );
  }
  if (keys === 'external' || keys === 'ike') return;
  const policy = facts.policies.find((one) => one.ifId === ifId);
  if (policy === undefined) return;
  throw machineError(
    'CONFLICT',
    site,
    'carrier.if-id',
    `there are policies with if_id ${hex(ifId)} already (${policy.direction}, reqid ${policy.reqid}): they belong to other traffic`,
    'another carrier.if-id; or keys: external, which leaves states and policies to their owner',
  );
}
