/**
 * pcapng (draft-ietf-opsawg-pcapng): sections of either byte order, any number
 * of interfaces. Blocks that hold no packet are only stepped over.
 */
import { corrupt, MAX_BLOCK, type CapturedPacket, type Decoder } from './decoder.js';
import { Fields } from './fields.js';

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const OLD_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** Block type, total length and, at the end, total length again. */
const FRAME = 12;
/** Block type, total length and byte-order magic: the least that shows how long a section header is. */
const SECTION_START = 12;
/** Bodies without options: of each block type that is read, the least that must be there. */
const LEAST_BODY: Readonly<Record<number, number>> = {
  [SECTION_HEADER]: 16,
  [INTERFACE_DESCRIPTION]: 8,
  [OLD_PACKET]: 20,
  [SIMPLE_PACKET]: 4,
  [ENHANCED_PACKET]: 20,
};
/**
 * Interfaces that one section may describe. Each takes memory for as long as the section lasts, and a packet of the
 * old type can only name this many.
 */
const MAX_INTERFACES = 65536;

interface Interface {
  linkType: number;
  /** 0: no limit. */
  snapLength: number;
}

/** Whether a file that starts with these four bytes is pcapng; the type reads the same in both byte orders. */
export function isPcapng(bytes: Buffer): boolean {
  return bytes.readUInt32BE(0) === SECTION_HEADER;
}

export class PcapngDecoder implements Decoder {
  readonly format = 'pcapng';
  private fields = new Fields(false);
  private interfaces: Interface[] = [];

  size(bytes: Buffer, at: number, file: number): number {
    const held = bytes.length - at;
    if (held < 8) return 8;
    let fields = this.fields;
    const type = fields.u32(bytes, at);
    if (type === SECTION_HEADER) {
      if (held < SECTION_START) return SECTION_START;
      fields = sectionOrder(bytes, at, file);
    }
    const size = fields.u32(bytes, at + 4);
    if (size > MAX_BLOCK) throw corrupt(file, `the block claims ${size} bytes; the limit is ${MAX_BLOCK}`);
    if (size % 4 !== 0 || size < FRAME + (LEAST_BODY[type] ?? 0)) {
      throw corrupt(file, `a block of type ${hex(type)} cannot be ${size} bytes long`);
    }
    return size;
  }

  packet(bytes: Buffer, at: number, size: number, file: number): CapturedPacket | undefined {
    const type = this.fields.u32(bytes, at);
    if (type === SECTION_HEADER) this.startSection(bytes, at, file);
    const trailer = this.fields.u32(bytes, at + size - 4);
    if (trailer !== size) {
      throw corrupt(file, `the block is ${size} bytes long by its head and ${trailer} by its tail`);
    }
    const body = at + 8;
    switch (type) {
      case INTERFACE_DESCRIPTION:
        this.addInterface(bytes, body, file);
        return undefined;
      case ENHANCED_PACKET:
        return this.longPacket(this.fields.u32(bytes, body), bytes, body, size, file);
      case OLD_PACKET:
        return this.longPacket(this.fields.u16(bytes, body), bytes, body, size, file);
      case SIMPLE_PACKET:
        return this.simplePacket(bytes, body, size, file);
      default:
        return undefined;
    }
  }

  private startSection(bytes: Buffer, at: number, file: number): void {
    this.fields = sectionOrder(bytes, at, file);
    this.interfaces = [];
    const major = this.fields.u16(bytes, at + 12);
    if (major !== 1) {
      const minor = this.fields.u16(bytes, at + 14);
      throw corrupt(file, `pcapng version ${major}.${minor} is not known; expected 1.0 or 1.2`);
    }
  }

  private addInterface(bytes: Buffer, body: number, file: number): void {
    if (this.interfaces.length === MAX_INTERFACES) {
      throw corrupt(file, `more than ${MAX_INTERFACES} interfaces in one section`);
    }
    this.interfaces.push({ linkType: this.fields.u16(bytes, body), snapLength: this.fields.u32(bytes, body + 4) });
  }

  /** The enhanced and the old packet block differ only in how they name the interface. */
  private longPacket(index: number, bytes: Buffer, body: number, size: number, file: number): CapturedPacket {
    const { linkType } = this.interfaceOf(index, file);
    const captured = this.fields.u32(bytes, body + 12);
    const room = size - FRAME - 20;
    if (captured > room) {
      throw corrupt(file, `the packet claims ${captured} captured bytes; its block has room for ${room}`);
    }
    return { linkType, offset: body + 20, captured, original: Math.max(captured, this.fields.u32(bytes, body + 16)) };
  }

  /** A simple packet does not say how much of it was captured: all, up to the snapshot length of interface 0. */
  private simplePacket(bytes: Buffer, body: number, size: number, file: number): CapturedPacket {
    const { linkType, snapLength } = this.interfaceOf(0, file);
    const original = this.fields.u32(bytes, body);
    const captured = snapLength === 0 ? original : Math.min(original, snapLength);
    const room = size - FRAME - 4;
    if (captured > room) {
      throw corrupt(file, `the packet must hold ${captured} bytes; its block has room for ${room}`);
    }
    return { linkType, offset: body + 4, captured, original };
  }

  private interfaceOf(index: number, file: number): Interface {
    const found = this.interfaces[index];
    if (found === undefined) {
      throw corrupt(file, `the packet names interface ${index}; the section describes ${this.interfaces.length}`);
    }
    return found;
  }
}

function sectionOrder(bytes: Buffer, at: number, file: number): Fields {
  if (bytes.readUInt32LE(at + 8) === BYTE_ORDER_MAGIC) return new Fields(false);
  if (bytes.readUInt32BE(at + 8) === BYTE_ORDER_MAGIC) return new Fields(true);
  throw corrupt(
    file,
    `the byte-order magic ${hex(bytes.readUInt32BE(at + 8))} of the section is not ${hex(BYTE_ORDER_MAGIC)}`,
  );
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
