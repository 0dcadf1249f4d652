/** GRE inside ESP (RFC 4303), with static keys or those of an IKE daemon. */
import { IPV4 } from '../../net/overhead.js';
import type { EspCarrier } from '../site.js';
import type { Carrier } from './carrier.js';
import { espItems, espNotes } from './esp-items.js';
import { espLayers } from './esp-parts.js';
import { guardNotes, xfrmGuards } from './guard.js';

export const esp: Carrier<EspCarrier> = {
  layers({ mode, cipher }, payload) {
    const inside = mode === 'tunnel' ? [{ ...IPV4, name: 'IPv4 header of GRE, inside ESP' }] : [];
    const covered = payload + inside.reduce((sum, { bytes }) => sum + bytes, 0);
    return [...inside, ...espLayers(covered, cipher), { ...IPV4, name: 'outer IPv4 header' }];
  },
  ipsec: ({ mode }) => ({ mode }),
  guards: (_spec, site, facts) => xfrmGuards(site, facts, site, 'by-policy'),
  items: (spec, context) => espItems(spec, context, { mode: spec.mode }),
  cuts: (spec, { local, remote }) =>
    spec.keys === 'external'
      ? [`GRE from ${local} to ${remote} that is not ESP is dropped, until the IKE daemon's policy is there`]
      : [`GRE between ${local} and ${remote} that is not ESP is dropped, until the other end has its half as well`],
  notes: (spec, site, facts) =>
    spec.keys === 'external'
      ? [
          `an IKE daemon looks after ESP: its policy must cover protocol gre (47) between ${site.local} and ${site.remote}, ` +
            `${spec.mode} mode; until it does, nothing leaves`,
          ...guardNotes(facts, site),
        ]
      : [...espNotes(spec), ...guardNotes(facts, site)],
};
