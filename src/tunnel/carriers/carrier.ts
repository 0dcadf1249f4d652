/** What a carrier tells the planner; pure. */
import type { Item } from '../item.js';
import type { Keys } from '../keys.js';
import type { CarrierSpec, Site } from '../site.js';
import type { Layer } from '../sizes.js';

export interface Carrier<S extends CarrierSpec = CarrierSpec> {
  /**
   * The layers around the GRE header and what is in it, innermost first, the outermost IPv4 header last.
   * @param payload bytes of GRE header, Ethernet header and inner IP packet
   */
  layers(spec: S, payload: number): Layer[];
  /** What has to be so before the first GRE packet leaves. */
  items(spec: S, site: Site, keys: Keys | undefined): Item[];
  /** Connectivity that it cuts. */
  cuts(spec: S, site: Site): string[];
  /** What the person should know. */
  notes(spec: S, site: Site): string[];
}
