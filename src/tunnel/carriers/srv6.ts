/** GRE in IPv6 with segments: H.Encaps on the way in, End.DT4 on the way out (RFC 8986 §5.1, §4.7), one VRF a tenant. */
import { IPV4 } from '../../net/overhead.js';
import { checkSrv6 } from '../check/srv6.js';
import type { Srv6Carrier } from '../site.js';
import type { Carrier } from './carrier.js';
import { chooseCorePath, segmentLayers, segmentOverhead } from './srv6/arithmetic.js';
import { srv6Items } from './srv6/items.js';
import { srv6Notes } from './srv6/notes.js';

export const srv6: Carrier<Srv6Carrier> = {
  layers: () => [{ ...IPV4, name: 'IPv4 header of GRE' }],
  cutAt(spec, site, facts) {
    const { cut, room } = chooseCorePath(spec, site, facts);
    return { by: cut === 'whole' ? site.underlay : spec.hop.vrf, mtu: room };
  },
  later: (spec, site, facts) => ({
    layers: () => segmentLayers(spec),
    mtu: chooseCorePath(spec, site, facts).room + segmentOverhead(spec),
    version: 6,
  }),
  ends: ({ vrf }, { local, remote }) => ({ local, remote, dev: vrf }),
  path: ({ segments, source }) => ({ to: segments[0] ?? '', from: source, key: 'carrier.segments.0' }),
  devices: ({ vrf, hop }) => [vrf, hop.vrf],
  items: srv6Items,
  check: checkSrv6,
  cuts: () => [],
  notes: srv6Notes,
};
