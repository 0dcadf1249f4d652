/** GRE into an XFRM interface: route-based IPsec, in which `if_id` ties device, policies and states (kernel 4.19). */
import { checkXfrmInterface } from '../check/xfrm-interface.js';
import { linkOf } from '../facts.js';
import type { Item } from '../item.js';
import { moduleItem } from '../items/module.js';
import { sysctlItem } from '../items/sysctl.js';
import { xfrmDeviceItem } from '../items/xfrm-device.js';
import type { XfrmInterfaceCarrier } from '../site.js';
import type { Carrier, CarrierContext } from './carrier.js';
import { espItems } from './esp-items.js';
import type { EspOptions } from './esp-parts.js';
import { deviceItems, routeBased } from './route-based.js';

export const xfrmInterface: Carrier<XfrmInterfaceCarrier> = {
  ...routeBased,
  ipsec: optionsOf,
  items,
  check(spec, site, facts) {
    checkXfrmInterface(spec, site, facts);
    routeBased.check?.(spec, site, facts);
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
