/** Every type of tunnel by its word. */
import type { CarrierSpec, Engine, Site, TunnelSpec, TunnelType } from '../site/site.js';
import type { Facts } from '../facts.js';
import type { Flow } from '../flow.js';
import type { Item } from '../item.js';
import type { Layer } from '../sizes.js';
import { gretap } from './gretap.js';
import type { Kind, KindContext, KindFact } from './kind.js';
import { l2tp } from './l2tp.js';
import { vxlan } from './vxlan.js';

const KINDS: { readonly [T in TunnelType]: Kind<Extract<TunnelSpec, { type: T }>> } = { gretap, l2tp, vxlan };

/** A site's type of tunnel with its own part of the file already filled in. */
interface BoundKind {
  what: string;
  layers(): Layer[];
  flow(): Flow;
  engines: readonly Engine[];
  carriers: readonly CarrierSpec['type'][];
  ipv6: boolean;
  several: boolean;
  modules(): Item[];
  device(context: Omit<KindContext, 'site'>): Item[];
  refuse(given: (key: string) => boolean): void;
  check(facts: Facts): void;
  notes(facts: Facts): string[];
}

export function kindOf(site: Site): BoundKind {
  const spec = site.tunnel;
  // The table's type has tied each kind to its own spec.
  const kind = KINDS[spec.type] as Kind;
  const { what, engines, carriers, ipv6, several } = kind;
  return {
    ...{ what, engines, carriers, ipv6, several },
    layers: () => kind.layers(spec),
    flow: () => kind.flow(spec),
    modules: () => kind.modules(spec, site),
    device: (context) => kind.device(spec, { ...context, site }),
    refuse: (given) => kind.refuse?.(spec, site, given),
    check: (facts) => kind.check?.(spec, site, facts),
    notes: (facts) => kind.notes(spec, site, facts),
  };
}

/** Types of tunnel that can do what a site asks for, in words: `l2tp or vxlan`. */
export function kindsThat(can: (kind: Kind) => boolean): string {
  return Object.entries(KINDS)
    .filter(([, kind]) => can(kind as Kind))
    .map(([type]) => type)
    .join(' or ');
}

/** Whether a tunnel of this type may have several other ends. */
export function mayHaveSeveral(type: TunnelType): boolean {
  return KINDS[type].several;
}

/** Whether a type of tunnel needs a fact that not every one does. */
export function kindAsks(type: TunnelType | undefined, fact: KindFact): boolean {
  return type !== undefined && KINDS[type].asks?.includes(fact) === true;
}
