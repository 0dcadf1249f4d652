/** Every carrier by its word. */
import type { Facts } from '../facts.js';
import type { Item } from '../item.js';
import type { CarrierSpec, Site } from '../site/site.js';
import type {
  Carrier,
  CarrierContext,
  CarrierDevice,
  CarrierFact,
  EspOptions,
  SocketPlan,
  TunnelEnds,
} from './carrier.js';
import type { Cut, Later, Layer } from '../sizes.js';
import { esp } from './esp/esp.js';
import { espInUdp } from './esp/esp-in-udp.js';
import { plain } from './plain.js';
import { srv6 } from './srv6/srv6.js';
import { tun } from './tun.js';
import { vti } from './route-based/vti.js';
import { xfrmInterface } from './route-based/xfrm-interface.js';

type Type = CarrierSpec['type'];

const CARRIERS: { readonly [T in Type]: Carrier<Extract<CarrierSpec, { type: T }>> } = {
  plain,
  esp,
  'esp-in-udp': espInUdp,
  srv6,
  tun,
  vti,
  'xfrm-interface': xfrmInterface,
};

/** A site's carrier with its own part of the file already filled in. */
interface BoundCarrier {
  layers(payload: number): Layer[];
  cutAt(facts: Facts): Cut | undefined;
  hidesFragments: string | undefined;
  later(facts: Facts): Later | undefined;
  ends(): TunnelEnds;
  devices(): CarrierDevice[];
  module: string | undefined;
  /** Undefined where there is no ESP. */
  ipsec(): EspOptions | undefined;
  guards(facts: Facts): Item[];
  items(context: Omit<CarrierContext, 'site'>): Item[];
  socket(): SocketPlan | undefined;
  refuse(given: (key: string) => boolean): void;
  check(facts: Facts): void;
  cuts(): string[];
  notes(facts: Facts): string[];
}

export function carrierOf(site: Site): BoundCarrier {
  const spec = site.carrier;
  // The table's type has tied each carrier to its own spec.
  const carrier = CARRIERS[spec.type] as Carrier;
  return {
    layers: (payload) => carrier.layers(spec, payload, site),
    cutAt: (facts) => carrier.cutAt?.(spec, site, facts),
    later: (facts) => carrier.later?.(spec, site, facts),
    ends: () => carrier.ends?.(spec, site) ?? { local: site.local, remote: site.remote },
    devices: () => carrier.devices?.(spec) ?? [],
    module: carrier.module,
    hidesFragments: carrier.hidesFragments,
    ipsec: () => carrier.ipsec?.(spec),
    guards: (facts) => carrier.guards?.(spec, site, facts) ?? [],
    items: (context) => carrier.items(spec, { ...context, site }),
    socket: () => carrier.socket?.(spec, site),
    refuse: (given) => carrier.refuse?.(spec, site, given),
    check: (facts) => carrier.check?.(spec, site, facts),
    cuts: () => carrier.cuts(spec, site),
    notes: (facts) => carrier.notes(spec, site, facts),
  };
}

/** The address whose route by the underlay counts, from where, and where it stands in the file. */
export function pathOf({ local, remote, carrier: spec }: Pick<Site, 'local' | 'remote' | 'carrier'>): {
  to: string;
  from: string;
  key: string;
} {
  return (CARRIERS[spec.type] as Carrier).path?.(spec) ?? { to: remote, from: local, key: 'remote' };
}

/** Names of the devices that a carrier's plan makes. */
export function carrierDevices(spec: CarrierSpec): string[] {
  return ((CARRIERS[spec.type] as Carrier).devices?.(spec) ?? []).map(({ name }) => name);
}

/** Whether a carrier needs a fact that not every one does. */
export function carrierAsks(type: CarrierSpec['type'] | undefined, fact: CarrierFact): boolean {
  return type !== undefined && CARRIERS[type].asks?.includes(fact) === true;
}
