/**
 * Ethernet frames by the dozen, most of them sound, many nearly so: tags, options, fragments, AH, wrong checksums,
 * lengths that lie, padding, IPv6. The same seed gives the same frames.
 */

/** A frame, where its network header begins behind the tags, and what is said to be there. */
export interface RandomFrame {
  bytes: Uint8Array;
  type: number;
  network: number;
}

/** mulberry32: whole numbers below `limit`. */
export function randomSource(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) % limit;
  };
}

const PROTOCOLS = [1, 6, 6, 6, 17, 17, 17, 47, 50, 51, 51];
const TYPES = [0x0800, 0x0800, 0x0800, 0x0800, 0x0800, 0x0800, 0x0800, 0x0800, 0x86dd, 0x0806];
const TAGS = [0x8100, 0x88a8];

/** One frame of at least 60 bytes, as Ethernet has it. */
export function randomFrame(below: (limit: number) => number): RandomFrame {
  const tags = below(3);
  const words = below(4) === 0 ? below(11) : 0;
  const header = 20 + 4 * words;
  const payload = below(3) === 0 ? below(1400) : below(80);
  const network = 14 + 4 * tags;
  const padding = below(5) === 0 ? below(20) : 0;
  const frame = Buffer.alloc(Math.max(60, network + header + payload + padding));
  for (let i = 0; i < frame.length; i++) frame[i] = below(256);

  for (let tag = 0; tag < tags; tag++) frame.writeUInt16BE(TAGS[below(TAGS.length)] as number, 12 + 4 * tag);
  const type = TYPES[below(TYPES.length)] as number;
  frame.writeUInt16BE(type, network - 2);
  const ip = frame.subarray(network);
  ip[0] = 0x40 | (header / 4);
  ip.writeUInt16BE(header + payload, 2);
  if (below(8) === 0) ip.writeUInt16BE(0, 4);
  ip.writeUInt16BE(flags(below), 6);
  ip[9] = PROTOCOLS[below(PROTOCOLS.length)] as number;
  // Rarely: a version, a header length or a total length that is wrong.
  if (below(25) === 0) ip[0] = below(256);
  if (below(25) === 0) ip.writeUInt16BE(below(below(2) === 0 ? 60 : 65_536), 2);
  const summed = Math.min(Math.max((ip[0] & 15) * 4, 20), ip.length & ~1);
  ip.writeUInt16BE(0, 10);
  ip.writeUInt16BE(checksum(ip.subarray(0, summed)), 10);
  if (below(15) === 0) ip.writeUInt16BE(ip.readUInt16BE(10) ^ (1 << below(16)), 10);
  if (type === 0x86dd) ip[0] = 0x60;
  return { bytes: new Uint8Array(frame), type, network };
}

/** Mostly DF alone; MF and offsets with it and without it. */
function flags(below: (limit: number) => number): number {
  const df = below(4) === 0 ? 0 : 0x4000;
  if (below(4) !== 0) return df;
  return df | (below(2) === 0 ? 0x2000 : 0) | below(0x2000);
}

/** The header checksum (RFC 1071) of bytes whose checksum field is 0; of right ones, 0. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += (bytes[i]! << 8) | bytes[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
