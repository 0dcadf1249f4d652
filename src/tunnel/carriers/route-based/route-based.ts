/** What carriers with a device of their own have in common: routes lead into it, and what goes in leaves as ESP. */
import { bytesOf, IPV4 } from '../../../net/overhead.js';
import { IPV4_MTU_MIN } from '../../../net/protocol.js';
import { checkInnerAddresses, checkPolicyRouting, refuseInner } from './check.js';
import { type Facts, linkOf, pathMtu } from '../../facts.js';
import type { Item } from '../../item.js';
import { addressOnItem } from '../../items/address.js';
import { mtuItem, upItem } from '../../items/link.js';
import { policyRuleItem } from '../../items/rule.js';
import { sysctlItem } from '../../items/sysctl.js';
import { deviceRouteItem } from '../../items/route.js';
import { markText } from '../../mark.js';
import { machineError } from '../../site/error.js';
import type { RouteBased, Site, VtiCarrier, XfrmInterfaceCarrier } from '../../site/site.js';
import type { Carrier, TunnelEnds } from '../carrier.js';
import { espNotes, espTunnelLayers, refuseKeying } from '../esp/keying.js';
import { guardNotes, xfrmGuards } from '../guard.js';

type Spec = VtiCarrier | XfrmInterfaceCarrier;

/** Behind the device's route, should that go. */
const LAST_METRIC = 0xffff_fffe;
const STRICT = 1;
const LOOSE = '2';

/** All but the items, which each carrier has its own of. */
export const routeBased: Omit<Carrier<Spec>, 'items'> = {
  layers: () => [{ ...IPV4, name: 'IPv4 header of GRE' }],
  hidesFragments: 'GRE is cut before it is encrypted, and each fragment travels in an ESP packet of its own',
  cutAt: (spec, site, facts) => ({ by: spec.device, mtu: deviceMtu(spec, site, facts) }),
  later: (spec, site, facts) => ({
    layers: (length) => espTunnelLayers(length, spec.cipher),
    mtu: pathMtu(site, facts),
  }),
  ends: endsOf,
  guards: (spec, site, facts) => xfrmGuards(site, facts, [endsOf(spec, site)], { dev: spec.device }),
  devices: ({ device }) => [{ name: device, key: 'carrier.device', what: "the carrier's device" }],
  refuse(spec, site, given) {
    refuseKeying(spec, site, given);
    refuseInner(spec, site);
  },
  check(spec, site, facts) {
    checkInnerAddresses(spec, site, facts);
    checkPolicyRouting(spec, site, facts);
    const room = deviceMtu(spec, site, facts);
    if (room >= IPV4_MTU_MIN) return;
    const reason = `ESP leaves ${room} bytes of the path for ${spec.device}; IPv4 fragments need ${IPV4_MTU_MIN} (RFC 791 §3.2)`;
    throw machineError('ENVIRONMENT', site, 'underlay', reason);
  },
  cuts: ({ device, inner }, { local, remote }) =>
    inner === undefined
      ? [`everything between ${local} and ${remote} uses ${device}, and stops until the other end is configured too`]
      : [],
  notes,
};

/** The gretap's: those of the device, or the routers' own. */
export function endsOf({ inner }: RouteBased, { local, remote }: Site): TunnelEnds {
  return inner ?? { local, remote };
}

/**
 * The largest packet whose ESP fits the path. Without it the kernel cuts GRE to the device's own MTU and the ESP packet
 * a second time, until it has learnt better (and up to 5.10 a VTI loses the first packet over that).
 */
function deviceMtu({ cipher }: RouteBased, site: Site, facts: Facts): number {
  const limit = pathMtu(site, facts);
  let mtu = limit;
  const espOf = (length: number) => length + bytesOf(espTunnelLayers(length, cipher));
  // Padding makes the overhead a step function of the length: look, rather than subtract.
  while (mtu > 0 && espOf(mtu) > limit) mtu -= 1;
  return mtu;
}

/** Everything behind the device itself, which comes before. @param own parameters of this kind of device */
export function deviceItems(spec: Spec, site: Site, facts: Facts, own: readonly Item[]): Item[] {
  const { device, inner } = spec;
  const fresh = linkOf(facts, device) === undefined;
  const mtu = deviceMtu(spec, site, facts);
  const addresses =
    inner === undefined
      ? []
      : [
          addressOnItem(
            {
              ...{ family: 4 as const, prefix: `${inner.local}/32`, scope: 'global', dynamic: false },
              words: ['peer', `${inner.remote}/32`],
            },
            device,
            'the tunnel goes from here to the other end of the device; no other address is taken along',
          ),
        ];
  return [
    mtuItem(device, mtu, {
      reason: `GRE is cut to it, once and before encryption: ESP around ${mtu} bytes fits ${pathMtu(site, facts)}`,
      fresh,
    }),
    ...own,
    ...addresses,
    upItem(device, { reason: 'a device that is down carries nothing', fresh }),
    ...(inner === undefined ? ownAddressItems(spec, site, facts) : []),
  ];
}

/** The other router's own address leads into the device, for all but the ESP that has come out of it. */
function ownAddressItems(
  { device, mark, table, priority }: Spec,
  { local, remote, underlay }: Site,
  facts: Facts,
): Item[] {
  const key = `net/ipv4/conf/${underlay}/rp_filter`;
  const values = ['net/ipv4/conf/all/rp_filter', key].map((name) => Number(facts.sysctls.get(name) ?? 0));
  const strict = Math.max(...values) === STRICT;
  return [
    ...(strict
      ? [
          sysctlItem(key, LOOSE, {
            reason: `ESP comes in by ${underlay}, while answers go by ${device}: strict drops it`,
          }),
        ]
      : []),
    deviceRouteItem(remote, 'unreachable', {
      ...{ table, metric: LAST_METRIC },
      reason: `should ${device} go down, its route disappears: nothing may then leave unencrypted through ${underlay}`,
    }),
    deviceRouteItem(remote, { dev: device, source: local }, { table, reason: 'leads into the device' }),
    policyRuleItem({
      ...{ preference: priority, unless: mark, table, host: remote, dev: device },
      reason: `ESP has mark ${markText(mark)} from its association and bypasses the device, which would otherwise receive its own packets and refuse them (collsns)`,
    }),
  ];
}

function notes(spec: Spec, site: Site, facts: Facts): string[] {
  const { local, remote, underlay } = site;
  const { device, inner, mark } = spec;
  const own =
    inner === undefined
      ? [
          `not GRE alone: all that goes to ${remote} uses ${device}; what must not (an IKE daemon's own packets) needs mark ${markText(mark)} on its socket`,
          `other bits of a packet's mark than those of ${markText({ value: mark.mask, mask: mark.mask })} are left as they are`,
        ]
      : [];
  const keys =
    spec.keys !== 'external'
      ? espNotes(spec)
      : [
          spec.type === 'vti'
            ? `an IKE daemon looks after ESP between ${local} and ${remote}: tunnel mode, its policies with mark ${spec.mark.value}`
            : `an IKE daemon looks after ESP between ${local} and ${remote}: tunnel mode, if_id ${spec.ifId} on states and policies`,
          ...(inner === undefined
            ? [`its associations need output-mark ${markText(mark)} on what leaves by ${underlay}`]
            : []),
        ];
  return [...keys, ...own, ...guardNotes(site, facts, [endsOf(spec, site)])];
}
