/** GRE straight over the underlay. */
import { IPV4, IPV6 } from '../../net/overhead.js';
import type { PlainCarrier } from '../site/site.js';
import type { Carrier } from './carrier.js';

export const plain: Carrier<PlainCarrier> = {
  layers: (_spec, _payload, { local }) => [
    local.includes(':') ? { ...IPV6, name: 'outer IPv6 header' } : { ...IPV4, name: 'outer IPv4 header' },
  ],
  items: () => [],
  cuts: () => [],
  notes: () => ['carrier plain: frames are not encrypted, and anyone on the path can inject some'],
};
