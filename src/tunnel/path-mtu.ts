/** How much the path to the other router takes. */
import { type Facts, linkOf } from './facts.js';
import type { Site } from './site/site.js';

const ETHERNET_MTU = 1500;

/** Bytes. Without a route yet, the underlay is what can be known; without that, Ethernet. */
export function pathMtu({ underlay }: Pick<Site, 'underlay'>, facts: Facts): number {
  return facts.path?.mtu ?? linkOf(facts, underlay)?.mtu ?? ETHERNET_MTU;
}
