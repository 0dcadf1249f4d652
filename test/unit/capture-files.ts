/** Capture files written byte by byte, apart from the readers under test. */

/** Frames as a test names them. */
export interface Frame {
  bytes: Uint8Array;
  /** Bytes on the wire; those that are there unless told. */
  original?: number;
}

class Writer {
  constructor(private readonly bigEndian: boolean) {}

  u16(value: number): Buffer {
    const field = Buffer.alloc(2);
    if (this.bigEndian) field.writeUInt16BE(value);
    else field.writeUInt16LE(value);
    return field;
  }

  u32(value: number): Buffer {
    const field = Buffer.alloc(4);
    if (this.bigEndian) field.writeUInt32BE(value);
    else field.writeUInt32LE(value);
    return field;
  }
}

export interface PcapShape {
  bigEndian: boolean;
  nanoseconds: boolean;
  linkType: number;
}

export function pcapFile(frames: readonly Frame[], { bigEndian, nanoseconds, linkType }: PcapShape): Buffer {
  const w = new Writer(bigEndian);
  const magic = nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4;
  const parts: Uint8Array[] = [w.u32(magic), w.u16(2), w.u16(4), w.u32(0), w.u32(0), w.u32(262144), w.u32(linkType)];
  for (const [i, { bytes, original = bytes.length }] of frames.entries()) {
    parts.push(w.u32(1_700_000_000 + i), w.u32(i), w.u32(bytes.length), w.u32(original), bytes);
  }
  return Buffer.concat(parts);
}

/** pcapng blocks of one byte order. */
export class Blocks {
  private readonly w: Writer;

  constructor(readonly bigEndian: boolean) {
    this.w = new Writer(bigEndian);
  }

  block(type: number, ...body: Uint8Array[]): Buffer {
    const length = body.reduce((sum, part) => sum + part.length, 0);
    const padding = Buffer.alloc((4 - (length % 4)) % 4);
    const size = this.w.u32(12 + length + padding.length);
    return Buffer.concat([this.w.u32(type), size, ...body, padding, size]);
  }

  section(options: Uint8Array = Buffer.alloc(0)): Buffer {
    const unknownLength = Buffer.alloc(8, 0xff);
    return this.block(0x0a0d0d0a, this.w.u32(0x1a2b3c4d), this.w.u16(1), this.w.u16(0), unknownLength, options);
  }

  interface(linkType: number, snapLength = 0): Buffer {
    return this.block(1, this.w.u16(linkType), this.w.u16(0), this.w.u32(snapLength));
  }

  /** Enhanced packet block; `claimed` captured bytes instead of the true number make a lie. */
  enhanced(index: number, { bytes, original = bytes.length }: Frame, claimed = bytes.length): Buffer {
    const time = [this.w.u32(0x00060000), this.w.u32(7)];
    return this.block(6, this.w.u32(index), ...time, this.w.u32(claimed), this.w.u32(original), bytes);
  }

  old(index: number, { bytes, original = bytes.length }: Frame): Buffer {
    const head = [this.w.u16(index), this.w.u16(0xffff), this.w.u32(0x00060000), this.w.u32(7)];
    return this.block(2, ...head, this.w.u32(bytes.length), this.w.u32(original), bytes);
  }

  simple({ bytes, original = bytes.length }: Frame): Buffer {
    return this.block(3, this.w.u32(original), bytes);
  }
}
