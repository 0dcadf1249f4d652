/** Every carrier by its word. */
import type { Item } from '../item.js';
import type { Keys } from '../keys.js';
import type { CarrierSpec, Site } from '../site.js';
import type { Layer } from '../sizes.js';
import type { Carrier } from './carrier.js';
import { esp } from './esp.js';
import { plain } from './plain.js';

type Type = CarrierSpec['type'];

const CARRIERS: { readonly [T in Type]: Carrier<Extract<CarrierSpec, { type: T }>> } = { plain, esp };

/** A site's carrier with its own part of the file already filled in. */
export interface BoundCarrier {
  layers(payload: number): Layer[];
  items(keys: Keys | undefined): Item[];
  cuts(): string[];
  notes(): string[];
}

export function carrierOf(site: Site): BoundCarrier {
  const spec = site.carrier;
  // The table's type has tied each carrier to its own spec.
  const carrier = CARRIERS[spec.type] as Carrier;
  return {
    layers: (payload) => carrier.layers(spec, payload),
    items: (keys) => carrier.items(spec, site, keys),
    cuts: () => carrier.cuts(spec, site),
    notes: () => carrier.notes(spec, site),
  };
}
