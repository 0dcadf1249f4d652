/** A capture file of one packet, and what clear-df makes of it. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

/**
 * A classic pcap of raw IPv4 (link type 101) with one packet: 10.0.0.1 → 10.0.0.2, protocol 253
 * (RFC 3692: experiments), DF set, identification 0, no payload.
 */
export function capture(): Buffer {
  const packet = Buffer.from('45000014' + '00004000' + '40fd0000' + '0a000001' + '0a000002', 'hex');
  packet.writeUInt16BE(checksum(packet), 10);
  const file = Buffer.alloc(24 + 16);
  file.writeUInt32LE(0xa1b2c3d4, 0);
  file.writeUInt16LE(2, 4);
  file.writeUInt16LE(4, 6);
  file.writeUInt32LE(65_535, 16);
  file.writeUInt32LE(101, 20);
  file.writeUInt32LE(packet.length, 24 + 8);
  file.writeUInt32LE(packet.length, 24 + 12);
  return Buffer.concat([file, packet]);
}

/** RFC 1071 over the 20 bytes of a header; 0 when its checksum field is right. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += header.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export function expectCleared(output: string): void {
  const packet = readFileSync(output).subarray(40);
  expect(packet.readUInt16BE(6), 'flags and fragment offset').toBe(0);
  expect(packet.readUInt16BE(4), 'identification').not.toBe(0);
  expect(checksum(packet), 'header checksum').toBe(0);
}
