/** What a carrier tells the planner; pure. */
import type { Facts } from '../facts.js';
import type { Item } from '../item.js';
import type { Keys } from '../keys.js';
import type { Origin } from '../origin.js';
import type { CarrierSpec, Site } from '../site.js';
import type { EspOptions } from './esp-parts.js';
import type { SocketPlan } from '../socket.js';
import type { Cut, Later, Layer } from '../sizes.js';

/** What is known when a carrier makes its part of the plan. */
export interface CarrierContext {
  site: Site;
  /** The machine without the tunnel. */
  facts: Facts;
  origin: Origin;
  /** Static ones, where the carrier has some. */
  keys: Keys | undefined;
  /** Of IKE, hexadecimal digits, where the carrier has one. */
  psk: string | undefined;
}

/** The ends of the gretap itself. */
export interface TunnelEnds {
  local: string;
  remote: string;
  /** The device or VRF that its packets are bound to; undefined: the routing table decides. */
  dev?: string;
}

export interface Carrier<S extends CarrierSpec = CarrierSpec> {
  /**
   * The layers around the GRE header and what is in it, innermost first, the IPv4 header that may be cut last.
   * @param payload bytes of GRE header, Ethernet header and inner IP packet
   */
  layers(spec: S, payload: number): Layer[];
  /** Which link cuts what is too large; without it, the path to the other router does. */
  cutAt?(spec: S, site: Site, facts: Facts): Cut;
  /** What is put around each packet behind that cut. */
  later?(spec: S, site: Site, facts: Facts): Later | undefined;
  /** The gretap's own ends; without it, the routers' addresses. */
  ends?(spec: S, site: Site): TunnelEnds;
  /** The address whose way by the underlay counts, and where it stands in the file; without it, the remote's does. */
  path?(spec: S): { to: string; from: string; key: string };
  /** Devices that the plan makes for it: they are no part of the machine as it was. */
  devices?(spec: S): string[];
  /** What its associations and policies are like, whoever makes them; only with ESP. */
  ipsec?(spec: S): EspOptions;
  /**
   * What keeps GRE from leaving unencrypted when something else of the plan is taken away; first in, last out. Only where
   * encryption is promised.
   * @param facts of which xfrm policies, rules, nft tables and {@link Facts.covering} count
   */
  guards?(spec: S, site: Site, facts: Facts): Item[];
  /** What has to be so before the first GRE packet leaves. */
  items(spec: S, context: CarrierContext): Item[];
  /** What the process in the foreground of `up` has to hold open. */
  socket?(spec: S, site: Site): SocketPlan | undefined;
  /** What cannot stand on this machine. @throws ClearDfError that names place, what was found and what to do */
  check?(spec: S, site: Site, facts: Facts): void;
  /** Connectivity that it cuts. */
  cuts(spec: S, site: Site): string[];
  /** What the person should know. */
  notes(spec: S, site: Site, facts: Facts): string[];
}
