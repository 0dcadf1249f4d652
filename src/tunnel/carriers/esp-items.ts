/** Associations and policies of a carrier with ESP, wherever its keys come from. */
import { ikeItems } from '../ike/items.js';
import type { Item } from '../item.js';
import type { EspKeying } from '../site.js';
import type { CarrierContext } from './carrier.js';
import { type EspOptions, hasStaticKeys, staticItems, staticNotes } from './esp-parts.js';

/** None with keys `external`, and where the secrets are not known. */
export function espItems(spec: EspKeying, { site, keys, psk }: CarrierContext, options: EspOptions): Item[] {
  if (spec.ike !== undefined) return ikeItems(spec, site, psk, options);
  return keys === undefined ? [] : staticItems(spec, site, keys, options);
}

/** What the person should know of its keys. */
export function espNotes(spec: EspKeying): string[] {
  if (hasStaticKeys(spec)) return staticNotes(spec);
  if (spec.ike === undefined) return [];
  return [
    'IKE uses UDP 500 and 4500 between the two ends: firewalls have to let both through, and ESP (50)',
    "the policies are charon's: it removes them when it stops, and packets sent meanwhile are lost; when it starts, it " +
      'has to read its files again (swanctl --load-all; the service strongswan of Debian does)',
    "the other end's half is printed by clear-df tunnel ike FILE --swanctl, or --libreswan",
  ];
}
