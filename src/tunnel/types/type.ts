/** What the planner asks of a type of tunnel; pure. */
import type { Facts } from '../facts.js';
import type { Item } from '../item.js';
import type { TunnelEnds } from '../carriers/carrier.js';
import type { Flow } from '../flow.js';
import type { Cookies } from '../keys.js';
import type { CarrierSpec, Engine, Site, TunnelSpec } from '../site/site.js';
import type { Layer } from '../sizes.js';

/** What is known when a type makes its part of the plan. */
export interface TypeContext {
  site: Site;
  ends: TunnelEnds;
  /** `ignore-df` on the device; type gretap only. */
  ignoreDf: boolean;
  /** Of L2TPv3, where the site has some and they are known. */
  cookies: Cookies | undefined;
}

/** See {@link Facts}. */
export type TypeFact = 'l2tp' | 'fdb';

export interface TunnelType<S extends TunnelSpec = TunnelSpec> {
  /** The device for people: `a gretap`. */
  what: string;
  /** The layers around a host's IP packet, innermost first, up to the header that the carrier puts IP around. */
  layers(spec: S): Layer[];
  /** What its packets are known by. */
  flow(spec: S): Flow;
  /** Engines that can do its work, in order of preference. */
  engines: readonly Engine[];
  /** What can carry it. */
  carriers: readonly CarrierSpec['type'][];
  /** Its ends may be IPv6; there may be more than one other end. */
  ipv6: boolean;
  several: boolean;
  /** Kernel modules, before all else. */
  modules(spec: S, site: Site): Item[];
  /** Everything that makes the device, in order. */
  device(spec: S, context: TypeContext): Item[];
  /** Facts of the machine that no other type needs. */
  asks?: readonly TypeFact[];
  /** @throws ClearDfError USAGE with the place of the value that came second */
  refuse?(spec: S, site: Site, given: (key: string) => boolean): void;
  /** What cannot stand on this machine. @throws ClearDfError that names place, what was found and what to do */
  check?(spec: S, site: Site, facts: Facts): void;
  /** What the person should know. */
  notes(spec: S, site: Site, facts: Facts): string[];
}
