/** A pcap file as the tests of this folder read it, apart from src/capture: little-endian, microseconds. */
import { readFileSync } from 'node:fs';
import type { Sort } from './reference.js';

export interface Frame {
  /** Time and lengths as they stand in the file. */
  head: Buffer;
  bytes: Buffer;
  original: number;
}

/** What make_packets.py says of a frame. */
export interface Label {
  class: string;
  /** Null where only the two implementations can tell. */
  expected: Sort | null;
  fragments: boolean;
  transport: 'good' | 'bad' | null;
  /** Where the network header starts. */
  network: number;
}

export function readFrames(file: string): Frame[] {
  const bytes = readFileSync(file);
  if (bytes.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error(`${file} is not little-endian pcap`);
  const frames: Frame[] = [];
  for (let at = 24; at < bytes.length;) {
    const end = at + 16 + bytes.readUInt32LE(at + 8);
    const head = bytes.subarray(at, at + 16);
    frames.push({ head, bytes: bytes.subarray(at + 16, end), original: head.readUInt32LE(12) });
    at = end;
  }
  return frames;
}

export function readLabels(file: string): Label[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Label);
}
