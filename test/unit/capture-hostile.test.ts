/** Captures made to hurt: nothing but a clear refusal may come of them, and no memory for what is only claimed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_BLOCK } from '../../src/capture/decoder.js';
import { networkOffset } from '../../src/capture/link.js';
import { CaptureReader } from '../../src/capture/reader.js';
import { ClearDfError } from '../../src/errors.js';
import { Blocks, pcapFile } from './capture-files.js';

/** Read all; whatever is handed out must be a prefix of the file, and each packet within its batch. */
function survive(file: Buffer): void {
  const reader = new CaptureReader();
  const out: Buffer[] = [];
  try {
    for (let at = 0; at < file.length; at += 97) {
      const { bytes, packets } = reader.push(Buffer.from(file.subarray(at, at + 97)));
      out.push(bytes);
      for (const { linkType, offset, captured, original } of packets) {
        expect(offset + captured).toBeLessThanOrEqual(bytes.length);
        expect(original).toBeGreaterThanOrEqual(captured);
        const start = networkOffset(linkType, bytes.subarray(offset, offset + captured));
        expect(start ?? 0).toBeLessThanOrEqual(captured);
      }
    }
    reader.end();
  } catch (error) {
    expect(error).toBeInstanceOf(ClearDfError);
    expect((error as ClearDfError).code).toBe('RUNTIME');
  }
  const written = Buffer.concat(out);
  expect(written.equals(file.subarray(0, written.length))).toBe(true);
}

const starts = [
  ...[true, false].map((bigEndian) => pcapFile([], { bigEndian, nanoseconds: false, linkType: 1 })),
  ...[true, false].map((bigEndian) => {
    const b = new Blocks(bigEndian);
    return Buffer.concat([b.section(), b.interface(113)]);
  }),
];

describe('hostile captures', () => {
  it('survives random bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => survive(Buffer.from(bytes))));
  });

  it('survives random bytes behind a sound start', () => {
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 500 }), (start, bytes) =>
        survive(Buffer.concat([start, bytes])),
      ),
      { numRuns: 2000 },
    );
  });

  it('survives a sound capture with bytes overwritten', () => {
    const b = new Blocks(false);
    const frame = { bytes: Buffer.alloc(77, 0x45) };
    const sound = [
      pcapFile([frame, frame, frame], { bigEndian: true, nanoseconds: true, linkType: 276 }),
      Buffer.concat([b.section(), b.interface(1), b.enhanced(0, frame), b.simple(frame), b.old(0, frame)]),
    ];
    const change = fc.tuple(fc.nat(400), fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)));
    fc.assert(
      fc.property(fc.constantFrom(...sound), fc.array(change, { minLength: 1, maxLength: 6 }), (file, changes) => {
        const changed = Buffer.from(file);
        for (const [at, value] of changes) changed[at % changed.length] = value;
        survive(changed);
      }),
      { numRuns: 5000 },
    );
  });

  it('refuses a record of 4 GB at its header, in either format', () => {
    for (const start of starts) {
      const reader = new CaptureReader();
      reader.push(Buffer.from(start));
      const claim = Buffer.alloc(16, 0xff);
      expect(() => reader.push(claim)).toThrow(/claims 4294967295|cannot be 4294967295/);
    }
  });

  it('takes memory for the bytes that came, not for those that were claimed', () => {
    const reader = new CaptureReader();
    const file = pcapFile([], { bigEndian: false, nanoseconds: false, linkType: 1 });
    const head = Buffer.alloc(16);
    head.writeUInt32LE(MAX_BLOCK - 16, 8);
    head.writeUInt32LE(MAX_BLOCK - 16, 12);
    const before = process.memoryUsage().arrayBuffers;
    reader.push(Buffer.concat([file, head]));
    // A byte at a time: the worst way for a block to arrive.
    for (let i = 0; i < 20_000; i += 1) reader.push(Buffer.from([i & 0xff]));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(MAX_BLOCK / 4);
    expect(reader.end()).toEqual({ offset: 24, held: 20_016, needed: MAX_BLOCK });
  });

  it('reads the largest record that it believes, and refuses one byte more', () => {
    const shape = { bigEndian: false, nanoseconds: false, linkType: 1 };
    const largest = pcapFile([{ bytes: Buffer.alloc(MAX_BLOCK - 16) }], shape);
    const reader = new CaptureReader();
    let packets = 0;
    for (let at = 0; at < largest.length; at += 1 << 20) {
      packets += reader.push(Buffer.from(largest.subarray(at, at + (1 << 20)))).packets.length;
    }
    expect(packets).toBe(1);
    expect(reader.end()).toBeUndefined();
    const larger = pcapFile([{ bytes: Buffer.alloc(MAX_BLOCK - 15) }], shape);
    expect(() => new CaptureReader().push(larger)).toThrow(/no packet is that long/);
  });

  it('refuses a section with interfaces without end', () => {
    const b = new Blocks(false);
    const reader = new CaptureReader();
    reader.push(b.section());
    const thousand = Buffer.concat(Array.from({ length: 1024 }, () => b.interface(1)));
    for (let i = 0; i < 64; i += 1) reader.push(Buffer.from(thousand));
    expect(() => reader.push(b.interface(1))).toThrow(/more than 65536 interfaces/);
  });
});
