/** GRE into a VTI: route-based IPsec, in which a mark ties the device to its policies (net/ipv4/ip_vti.c). */
import { checkIke } from '../ike/check.js';
import { checkGlobalPolicies, checkVti } from './vti-check.js';
import { linkOf } from '../../facts.js';
import type { Item } from '../../item.js';
import { sysctlItem } from '../../items/sysctl.js';
import { tunnelModuleItem } from '../../items/module.js';
import { xfrmPassItem } from '../../items/xfrm-guard.js';
import { vtiDeviceItem } from '../../items/tunnel-device.js';
import type { Mark, VtiCarrier } from '../../site/site.js';
import type { Carrier, CarrierContext, EspOptions } from '../carrier.js';
import { espItems } from '../esp/keying.js';
import { guardEnds } from '../guard.js';
import { deviceItems, endsOf, routeBased } from './route-based.js';

export const vti: Carrier<VtiCarrier> = {
  ...routeBased,
  module: 'ip_vti',
  ipsec: optionsOf,
  items,
  check(spec, site, facts) {
    checkVti(spec, site, facts);
    routeBased.check?.(spec, site, facts);
    checkGlobalPolicies(spec, site, facts, endsOf(spec, site));
    checkIke(site, facts);
  },
  notes: (spec, site, facts) => [
    ...routeBased.notes(spec, site, facts),
    `the kernel hands every ESP packet between ${site.local} and ${site.remote} to ${spec.device}: other IPsec between ` +
      'them cannot coexist with it; an XFRM interface can',
  ],
};

function optionsOf({ inner, mark }: VtiCarrier): EspOptions {
  return {
    mode: 'tunnel',
    policy: { mark: keyMark(mark), selector: 'any' },
    ...(inner === undefined ? { outputMark: mark } : {}),
  };
}

function items(spec: VtiCarrier, context: CarrierContext): Item[] {
  const { site, facts } = context;
  const { device, mark } = spec;
  const { local, remote } = site;
  return [
    tunnelModuleItem('ip_vti', 'VTI devices'),
    ...espItems(spec, context, optionsOf(spec)),
    vtiDeviceItem(device, {
      ...{ local, remote, key: mark.value },
      reason:
        'what is routed into it is sealed by the policies with its key as mark, and what they open comes out of it',
    }),
    xfrmPassItem(device, guardEnds(site, endsOf(spec, site))),
    ...deviceItems(spec, site, facts, [
      sysctlItem(`net/ipv4/conf/${device}/disable_policy`, '1', {
        reason: 'what comes out was checked by mark already; disable_xfrm stays 0: with it nothing would go in',
        fresh: linkOf(facts, device) === undefined,
      }),
    ]),
  ];
}

/** A VTI asks for its policies with its key alone, whatever mark the packet has. */
function keyMark({ value }: Mark): Mark {
  return { value, mask: 0xffff_ffff };
}
