/** What a person should know of a tunnel through segments. */
import type { Facts } from '../../facts.js';
import type { Site, Srv6Carrier } from '../../site.js';
import { chooseCorePath, segmentOverhead } from './arithmetic.js';
import { CONNTRACK } from './untracked.js';

export function srv6Notes(spec: Srv6Carrier, site: Site, facts: Facts): string[] {
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
