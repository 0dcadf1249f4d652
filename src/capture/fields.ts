/** Unsigned integers of a capture file in the byte order that its magic announced. */
export class Fields {
  constructor(readonly bigEndian: boolean) {}

  u16(bytes: Buffer, at: number): number {
    return this.bigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at);
  }

  u32(bytes: Buffer, at: number): number {
    return this.bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
  }
}
