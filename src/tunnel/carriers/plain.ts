/** GRE straight over the underlay. */
import { isIpv6 } from '../../net/address6.js';
import { IPV4, IPV6 } from '../../net/overhead.js';
import type { PlainCarrier } from '../site/site.js';
import type { Carrier } from './carrier.js';

export const plain: Carrier<PlainCarrier> = {
  layers: (_spec, _payload, { local }) => [
    isIpv6(local) ? { ...IPV6, name: 'outer IPv6 header' } : { ...IPV4, name: 'outer IPv4 header' },
  ],
  items: () => [],
  cuts: () => [],
  notes: () => ['carrier plain: frames are not encrypted, and anyone on the path can inject some'],
};
