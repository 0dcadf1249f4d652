/** GRE into an XFRM interface: route-based IPsec, in which `if_id` ties device, policies and states (kernel 4.19). */
import { type Facts, linkOf } from '../../facts.js';
import type { Item } from '../../item.js';
import { moduleItem } from '../../items/module.js';
import { sysctlItem } from '../../items/sysctl.js';
import { ifIdOf, xfrmDeviceItem } from '../../items/tunnel-device.js';
import { hex } from '../../mark.js';
import { machineError } from '../../site/error.js';
import type { Site, XfrmInterfaceCarrier } from '../../site/site.js';
import type { Carrier, CarrierContext, EspOptions } from '../carrier.js';
import { espItems } from '../esp/keying.js';
import { checkIke } from '../ike/check.js';
import { checkDeviceName } from './check.js';
import { deviceItems, routeBased } from './route-based.js';

export const xfrmInterface: Carrier<XfrmInterfaceCarrier> = {
  ...routeBased,
  module: 'xfrm_interface',
  ipsec: optionsOf,
  items,
  check(spec, site, facts) {
    checkXfrmInterface(spec, site, facts);
    routeBased.check?.(spec, site, facts);
    checkIke(site, facts);
  },
  notes: (spec, site, facts) => [
    ...routeBased.notes(spec, site, facts),
    `${spec.device} carries IPv6 as well: give it an address and a route`,
  ],
};

function optionsOf({ ifId, inner, mark }: XfrmInterfaceCarrier): EspOptions {
  return {
    ...{ mode: 'tunnel', common: { ifId }, bothFamilies: true, policy: { selector: 'any' }, forward: true },
    ...(inner === undefined ? { outputMark: mark } : {}),
  };
}

function items(spec: XfrmInterfaceCarrier, context: CarrierContext): Item[] {
  const { site, facts } = context;
  const { device, ifId } = spec;
  return [
    moduleItem('xfrm_interface', {
      reason: 'XFRM interfaces are part of it; it stays loaded, because others may use it unseen',
    }),
    ...espItems(spec, context, optionsOf(spec)),
    xfrmDeviceItem(device, {
      ...{ underlay: site.underlay, ifId },
      reason: 'what is routed into it is sealed by the policies of its if_id, and what they open comes out of it',
    }),
    ...deviceItems(spec, site, facts, [
      sysctlItem(`net/ipv4/conf/${device}/disable_xfrm`, '1', {
        reason: 'global policies are not checked before the device; its own are, by if_id',
        fresh: linkOf(facts, device) === undefined,
      }),
    ]),
  ];
}

/** What an XFRM interface cannot stand beside. */
function checkXfrmInterface({ device, ifId, keys }: XfrmInterfaceCarrier, site: Site, facts: Facts): void {
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
