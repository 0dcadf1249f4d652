/** GRE in IPv6 with segments: H.Encaps where packets enter the core, End.DT4 where they leave it (RFC 8986 §5.1, §4.7), one VRF a tenant. */
import { IPV4 } from '../../../net/overhead.js';
import type { Facts } from '../../facts.js';
import type { Site, Srv6Carrier } from '../../site/site.js';
import type { Carrier } from '../carrier.js';
import { checkSrv6 } from './check.js';
import { CONNTRACK, srv6Items } from './items.js';
import { chooseCorePath, segmentLayers, segmentOverhead } from './sizes.js';

export const srv6: Carrier<Srv6Carrier> = {
  layers: () => [{ ...IPV4, name: 'IPv4 header of GRE' }],
  hidesFragments: 'the fragments of GRE travel inside IPv6 packets that are whole',
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
  devices: ({ vrf, hop }) => [
    { name: vrf, key: 'carrier.vrf', what: 'the VRF' },
    { name: hop.vrf, key: 'carrier.hop-vrf', what: 'the VRF of the second hop' },
  ],
  module: 'vrf',
  asks: ['tunsrc', 'endDt4'],
  items: srv6Items,
  check: checkSrv6,
  cuts: () => [],
  notes: notesOf,
};

/** What a person should know of a tunnel through segments. */
function notesOf(spec: Srv6Carrier, site: Site, facts: Facts): string[] {
  const { cut, because, needed, core, room } = chooseCorePath(spec, site, facts);
  const notes = [
    `cut ${cut}: ${because}`,
    cut === 'whole'
      ? `every link of the core must take ${needed} bytes: no router cuts IPv6, and a smaller one loses full packets (core MTU as seen here: ${core})`
      : `every link of the core must take ${core} bytes, and the other end puts fragments of at most ${room} bytes together`,
    'carrier srv6: frames are not encrypted, and whoever may send to the segment can inject some; filter it at the border (RFC 8754 §5.1)',
    `the core must lead ${spec.segments.join(', ')} to the other end and ${spec.sid} to this one; routes for them are not made here`,
    'the kernel adds the rule 1000 l3mdev with the first VRF of a network namespace, and never again: down leaves it, or no later VRF would route',
  ];
  if (spec.encap === 'encap.red') {
    notes.push(
      `encap.red: the kernel's path MTU counts the segment that is left out (${segmentOverhead({ ...spec, encap: 'encap' })} bytes of overhead, not ${segmentOverhead(spec)}): without an engine, DF still loses packets that fit`,
    );
  }
  if (!facts.modules.has(CONNTRACK)) {
    notes.push(
      'connection tracking is not loaded now; where it comes later it puts fragments together and loses them: tunnel down, then up again',
    );
  } else if (facts.tables === undefined) {
    notes.push(
      'nft cannot be used here: if connection tracking is in use, it puts fragments of GRE together and loses them (iptables cannot keep it from that)',
    );
  }
  return notes;
}
