/**
 * Classic pcap, as `pcap-savefile(5)` and draft-ietf-opsawg-pcap describe it:
 * both byte orders, microseconds and nanoseconds.
 */
import { corrupt, MAX_BLOCK, type CapturedPacket, type Decoder } from './decoder.js';
import { Fields } from './fields.js';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;

/** Whether a file that starts with these four bytes is classic pcap. */
export function isPcap(bytes: Buffer): boolean {
  return [bytes.readUInt32BE(0), bytes.readUInt32LE(0)].some(
    (magic) => magic === MICROSECONDS || magic === NANOSECONDS,
  );
}

export class PcapDecoder implements Decoder {
  readonly format = 'pcap';
  private readonly fields: Fields;
  private linkType: number | undefined;

  /** @param magic the first four bytes, for which `isPcap` holds */
  constructor(magic: Buffer) {
    const first = magic.readUInt32BE(0);
    this.fields = new Fields(first === MICROSECONDS || first === NANOSECONDS);
  }

  size(bytes: Buffer, at: number, file: number): number {
    if (this.linkType === undefined) return FILE_HEADER;
    if (bytes.length - at < RECORD_HEADER) return RECORD_HEADER;
    const captured = this.fields.u32(bytes, at + 8);
    if (captured > MAX_BLOCK - RECORD_HEADER) {
      throw corrupt(file, `the record claims ${captured} captured bytes; no packet is that long`);
    }
    return RECORD_HEADER + captured;
  }

  packet(bytes: Buffer, at: number, _size: number, file: number): CapturedPacket | undefined {
    if (this.linkType === undefined) {
      this.linkType = this.readFileHeader(bytes, at, file);
      return undefined;
    }
    const captured = this.fields.u32(bytes, at + 8);
    const original = Math.max(captured, this.fields.u32(bytes, at + 12));
    return { linkType: this.linkType, offset: at + RECORD_HEADER, captured, original };
  }

  private readFileHeader(bytes: Buffer, at: number, file: number): number {
    const major = this.fields.u16(bytes, at + 4);
    const minor = this.fields.u16(bytes, at + 6);
    if (major !== 2 || minor !== 4) {
      throw corrupt(
        file,
        `pcap version ${major}.${minor} is not 2.4, the only one written since 1998`,
        'convert it first: editcap -F pcap OLD NEW',
      );
    }
    // The upper half holds the length of the frame check sequence, not the link type.
    return this.fields.u32(bytes, at + 20) & 0xffff;
  }
}
