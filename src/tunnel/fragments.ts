/** How an IPv4 packet is cut to fit a link (RFC 791 §3.2, `ip_do_fragment` in net/ipv4/ip_output.c). Bytes. */
import { FRAGMENT_UNIT, IPV4_HEADER } from '../net/overhead.js';
import type { Cut, Later, Layer, Sizes, WirePacket } from './sizes.js';

/**
 * The packets that a datagram becomes on a link: every one but the last carries as many bytes as fit, in units of 8.
 * A datagram that fits stays whole.
 * @param length the whole datagram with its header of 20 bytes
 * @param mtu at least 28: a header and one unit
 */
export function fragments(length: number, mtu: number): WirePacket[] {
  if (length <= mtu) return [{ length, offset: 0, moreFragments: false }];
  const payload = length - IPV4_HEADER;
  const room = Math.floor((mtu - IPV4_HEADER) / FRAGMENT_UNIT) * FRAGMENT_UNIT;
  if (room < FRAGMENT_UNIT) throw new RangeError(`an MTU of ${mtu} bytes holds no fragment`);
  const packets: WirePacket[] = [];
  for (let offset = 0; offset < payload; offset += room) {
    const bytes = Math.min(room, payload - offset);
    packets.push({ length: bytes + IPV4_HEADER, offset, moreFragments: offset + bytes < payload });
  }
  return packets;
}

/**
 * The sizes of a tunnel for one inner packet.
 * @param cut the link that cuts what does not fit
 * @param layersOf the layers around an inner packet of this length, the innermost first, as they meet that link
 * @param later what is put around each packet behind it
 */
export function sizesOf(inner: number, cut: Cut, layersOf: (inner: number) => Layer[], later?: Later): Sizes {
  const outerOf = (length: number) => length + sum(layersOf(length));
  let fits = cut.mtu;
  // Padding makes the overhead a step function of the length: look, rather than subtract.
  while (fits > 0 && outerOf(fits) > cut.mtu) fits -= 1;
  const outer = outerOf(inner);
  const packets = fragments(outer, cut.mtu);
  return {
    ...{ inner, layers: layersOf(inner), outer, pathMtu: cut.mtu, cutBy: cut.by, packets, fits },
    later: later?.layers(packets[0]?.length ?? outer) ?? [],
    wire: later === undefined ? packets : packets.flatMap(({ length }) => wrapped(length, later)),
    ...(later?.version === undefined ? {} : { version: later.version }),
  };
}

function wrapped(length: number, later: Later): WirePacket[] {
  const whole = length + sum(later.layers(length));
  return fragments(whole, later.version === 6 ? whole : later.mtu);
}

function sum(layers: readonly Layer[]): number {
  return layers.reduce((total, { bytes }) => total + bytes, 0);
}
