/** Every type of tunnel by its word. */
import type { CarrierSpec, Engine, Site, TunnelSpec, TunnelTypeName } from '../site/site.js';
import type { Facts } from '../facts.js';
import type { Flow } from '../flow.js';
import type { Item } from '../item.js';
import type { Layer } from '../sizes.js';
import { gretap } from './gretap.js';
import type { TunnelType, TypeContext, TypeFact } from './type.js';
import { l2tp } from './l2tp.js';
import { vxlan } from './vxlan.js';

const TYPES: { readonly [T in TunnelTypeName]: TunnelType<Extract<TunnelSpec, { type: T }>> } = { gretap, l2tp, vxlan };

/** A site's type of tunnel with its own part of the file already filled in. */
interface BoundType {
  what: string;
  layers(): Layer[];
  flow(): Flow;
  engines: readonly Engine[];
  carriers: readonly CarrierSpec['type'][];
  ipv6: boolean;
  several: boolean;
  modules(): Item[];
  device(context: Omit<TypeContext, 'site'>): Item[];
  refuse(given: (key: string) => boolean): void;
  check(facts: Facts): void;
  notes(facts: Facts): string[];
}

export function typeOf(site: Site): BoundType {
  const spec = site.tunnel;
  // TYPES has tied each of them to its own spec.
  const type = TYPES[spec.type] as TunnelType;
  const { what, engines, carriers, ipv6, several } = type;
  return {
    ...{ what, engines, carriers, ipv6, several },
    layers: () => type.layers(spec),
    flow: () => type.flow(spec),
    modules: () => type.modules(spec, site),
    device: (context) => type.device(spec, { ...context, site }),
    refuse: (given) => type.refuse?.(spec, site, given),
    check: (facts) => type.check?.(spec, site, facts),
    notes: (facts) => type.notes(spec, site, facts),
  };
}

/** Types of tunnel that can do what a site asks for, in words: `l2tp or vxlan`. */
export function typesThat(can: (type: TunnelType) => boolean): string {
  return Object.entries(TYPES)
    .filter(([, type]) => can(type as TunnelType))
    .map(([name]) => name)
    .join(' or ');
}

/** Whether a tunnel of this type may have several other ends. */
export function mayHaveSeveral(type: TunnelTypeName): boolean {
  return TYPES[type].several;
}

/** Whether a type of tunnel needs a fact that not every one does. */
export function typeAsks(type: TunnelTypeName | undefined, fact: TypeFact): boolean {
  return type !== undefined && TYPES[type].asks?.includes(fact) === true;
}
