/** What the planner asks of a carrier; pure. */
import type { Facts } from '../facts.js';
import type { Item } from '../item.js';
import type { PolicyOptions } from '../items/xfrm-policy.js';
import type { StateOptions } from '../items/xfrm-state.js';
import type { Keys } from '../keys.js';
import type { Origin } from '../origin.js';
import type { CarrierSpec, EspMode, Mark, Site } from '../site/site.js';
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

/** A UDP socket that must stay open while the tunnel is up: the kernel takes ESP in UDP on no other (RFC 3948). */
export interface SocketPlan {
  /** Addresses, dotted, and UDP ports. */
  local: string;
  port: number;
  remote: string;
  remotePort: number;
  /** Seconds between keepalives; 0: none. */
  keepalive: number;
}

/** The ends of the gretap itself. */
export interface TunnelEnds {
  local: string;
  remote: string;
  /** The device or VRF that its packets are bound to; undefined: the routing table decides. */
  dev?: string;
}

/** What differs between carriers, with static keys and with IKE. */
export interface EspOptions {
  mode: EspMode;
  /** On both states and policies. */
  common?: Pick<StateOptions & PolicyOptions, 'ifId'>;
  /** Of ESP in UDP: ours and the other end's. */
  ports?: { local: number; remote: number };
  /** IPv6 as well as IPv4. */
  bothFamilies?: boolean;
  /** On what leaves, once it is ESP. */
  outputMark?: StateOptions['outputMark'];
  policy?: { mark?: Mark | undefined; selector?: 'any' };
  /** A policy for what is forwarded, too. */
  forward?: boolean;
}

/** A device of a carrier: its name, where that stands in the file, and what it is for people. */
export interface CarrierDevice {
  name: string;
  /** `carrier.vrf` */
  key: string;
  /** `the VRF` */
  what: string;
}

/** See {@link Facts}. */
export type CarrierFact = 'covering' | 'tunsrc' | 'endDt4';

export interface Carrier<S extends CarrierSpec = CarrierSpec> {
  /**
   * The layers around the tunnel's own header and what is in it, innermost first, the IP header that may be cut last.
   * @param payload bytes of the tunnel's header, Ethernet header and inner IP packet
   */
  layers(spec: S, payload: number, site: Site): Layer[];
  /** Which link cuts what is too large; without it, the path to the other router does. */
  cutAt?(spec: S, site: Site, facts: Facts): Cut;
  /** Why no packet that the path sees is a fragment, whatever the tunnel cuts, in words; undefined where some are. */
  hidesFragments?: string;
  /** What is put around each packet behind that cut. */
  later?(spec: S, site: Site, facts: Facts): Later | undefined;
  /** The gretap's own ends; without it, the routers' addresses. */
  ends?(spec: S, site: Site): TunnelEnds;
  /** The address whose route by the underlay counts, and where it stands in the file; without it, the remote's does. */
  path?(spec: S): { to: string; from: string; key: string };
  /** Devices that the plan makes for it: they are no part of the machine as it was. */
  devices?(spec: S): CarrierDevice[];
  /** Kernel module of those devices. */
  module?: string;
  /** Facts of the machine that no other carrier needs. */
  asks?: readonly CarrierFact[];
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
  /**
   * What contradicts itself in the file, whatever the machine is like.
   * @param given whether a key stands in the file
   * @throws ClearDfError USAGE with the place of the value that came second
   */
  refuse?(spec: S, site: Site, given: (key: string) => boolean): void;
  /** What cannot stand on this machine. @throws ClearDfError that names place, what was found and what to do */
  check?(spec: S, site: Site, facts: Facts): void;
  /** Connectivity that it cuts. */
  cuts(spec: S, site: Site): string[];
  /** What the person should know. */
  notes(spec: S, site: Site, facts: Facts): string[];
}
