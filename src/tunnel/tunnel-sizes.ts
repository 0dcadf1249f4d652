/** The arithmetic of a site's tunnel: what one full packet of a host becomes on the wire. Pure. */
import { isIpv6 } from '../net/address6.js';
import { bytesOf } from '../net/overhead.js';
import { carrierOf } from './carriers/table.js';
import { type Facts, pathMtu } from './facts.js';
import { typeOf } from './types/table.js';
import type { Site } from './site/site.js';
import { type Cut, innerSizesOf, type Layer, type Sizes, sizesOf } from './sizes.js';

export function tunnelSizes(site: Site, facts: Facts): Sizes {
  const carrier = carrierOf(site);
  const path: Cut = { by: site.underlay, mtu: pathMtu(site, facts), ...(isIpv6(site.local) ? { version: 6 } : {}) };
  const cut = carrier.cutAt(facts) ?? path;
  const layers = (inner: number) => layersOf(site, inner);
  if (site.fragment === 'inner') return innerSizesOf(site.mtu, cut, layers);
  return sizesOf(site.mtu, cut, layers, carrier.later(facts));
}

/** Every layer around an inner IP packet of this many bytes, innermost first. */
function layersOf(site: Site, inner: number): Layer[] {
  const frame = typeOf(site).layers();
  return [...frame, ...carrierOf(site).layers(inner + bytesOf(frame))];
}
