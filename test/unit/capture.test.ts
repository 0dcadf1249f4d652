/** The two capture formats: what the reader finds, and that the blocks it hands out are the file. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CaptureReader, type CutShort } from '../../src/capture/reader.js';
import { Blocks, pcapFile, type Frame } from './capture-files.js';

interface Seen {
  file: Buffer;
  frames: { linkType: number; bytes: Buffer; original: number }[];
  cut: CutShort | undefined;
}

/** Feed a file in pieces of the sizes given, then the rest at once. */
function read(file: Buffer, pieces: readonly number[] = []): Seen {
  const reader = new CaptureReader();
  const seen: Seen = { file: Buffer.alloc(0), frames: [], cut: undefined };
  const out: Buffer[] = [];
  let at = 0;
  for (const size of [...pieces, file.length]) {
    const { bytes, packets } = reader.push(Buffer.from(file.subarray(at, at + size)));
    at = Math.min(at + size, file.length);
    out.push(bytes);
    for (const { linkType, offset, captured, original } of packets) {
      seen.frames.push({ linkType, bytes: bytes.subarray(offset, offset + captured), original });
    }
  }
  seen.cut = reader.end();
  seen.file = Buffer.concat(out);
  return seen;
}

const frame: fc.Arbitrary<Required<Frame>> = fc
  .tuple(fc.uint8Array({ maxLength: 200 }), fc.nat(3000))
  .map(([bytes, missing]) => ({ bytes, original: bytes.length + missing }));
const pieces = fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 40 });

function plain(frames: Seen['frames']) {
  return frames.map(({ linkType, bytes, original }) => ({ linkType, bytes: [...bytes], original }));
}

describe('pcap', () => {
  it('finds every record, in both byte orders and both resolutions, however the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 30 }),
        fc.record({ bigEndian: fc.boolean(), nanoseconds: fc.boolean(), linkType: fc.nat(0xffff) }),
        pieces,
        (frames, shape, sizes) => {
          const file = pcapFile(frames, shape);
          const seen = read(file, sizes);
          expect(seen.file.equals(file)).toBe(true);
          expect(seen.cut).toBeUndefined();
          expect(plain(seen.frames)).toEqual(
            frames.map(({ bytes, original }) => ({ linkType: shape.linkType, bytes: [...bytes], original })),
          );
        },
      ),
    );
  });

  it('takes the link type from the lower half of its field', () => {
    const file = pcapFile([{ bytes: Buffer.from('x') }], {
      bigEndian: false,
      nanoseconds: false,
      linkType: 0x54000001,
    });
    expect(read(file).frames[0]?.linkType).toBe(1);
  });

  it('never lets a packet be longer in the file than on the wire', () => {
    const shape = { bigEndian: true, nanoseconds: false, linkType: 1 };
    expect(read(pcapFile([{ bytes: Buffer.alloc(60), original: 0 }], shape)).frames[0]?.original).toBe(60);
  });

  it('refuses a version that nobody writes', () => {
    const file = pcapFile([], { bigEndian: false, nanoseconds: false, linkType: 1 });
    file.writeUInt16LE(3, 6);
    expect(() => read(file)).toThrow(/version 2\.3 is not 2\.4/);
  });
});

describe('pcapng', () => {
  const one = Buffer.from('one');
  const two = Buffer.from('two packets');

  it('finds every kind of packet block, in several sections of either byte order', () => {
    const parts = [false, true, false].flatMap((bigEndian, section) => {
      const b = new Blocks(bigEndian);
      return [
        b.section(Buffer.from('0100030061626300', 'hex')),
        b.interface(section === 1 ? 101 : 1),
        b.interface(276),
        b.block(5, Buffer.from('interface statistics')),
        b.enhanced(1, { bytes: one, original: 99 }),
        b.old(0, { bytes: two }),
        b.block(0x80000bad, Buffer.from('somebody else')),
        b.simple({ bytes: one }),
      ];
    });
    const file = Buffer.concat(parts);
    const seen = read(file);
    expect(seen.file.equals(file)).toBe(true);
    const section = (first: number) => [
      { linkType: 276, bytes: one, original: 99 },
      { linkType: first, bytes: two, original: two.length },
      { linkType: first, bytes: one, original: one.length },
    ];
    expect(seen.frames).toEqual([...section(1), ...section(101), ...section(1)]);
  });

  it('cuts a simple packet at the snapshot length of its interface', () => {
    const b = new Blocks(false);
    const file = Buffer.concat([
      b.section(),
      b.interface(1, 8),
      b.simple({ bytes: two.subarray(0, 8), original: 1500 }),
    ]);
    expect(read(file).frames).toEqual([{ linkType: 1, bytes: two.subarray(0, 8), original: 1500 }]);
  });

  it('gives the same whatever the pieces', () => {
    const block = fc.tuple(fc.constantFrom('enhanced', 'old', 'simple', 'other'), frame);
    fc.assert(
      fc.property(fc.boolean(), fc.array(block, { maxLength: 20 }), pieces, (bigEndian, blocks, sizes) => {
        const b = new Blocks(bigEndian);
        const made = blocks.map(([kind, { bytes, original }]) => {
          if (kind === 'enhanced') return b.enhanced(0, { bytes, original });
          if (kind === 'old') return b.old(0, { bytes, original });
          return kind === 'simple' ? b.simple({ bytes }) : b.block(0x7777, bytes);
        });
        const file = Buffer.concat([b.section(), b.interface(1), ...made]);
        const seen = read(file, sizes);
        expect(seen.file.equals(file)).toBe(true);
        const packets = blocks.filter(([kind]) => kind !== 'other');
        expect(plain(seen.frames)).toEqual(
          packets.map(([kind, { bytes, original }]) => ({
            linkType: 1,
            bytes: [...bytes],
            original: kind === 'simple' ? bytes.length : original,
          })),
        );
      }),
    );
  });

  const b = new Blocks(true);
  const lies: [string, Buffer[], RegExp][] = [
    [
      'a packet of an interface never described',
      [b.section(), b.enhanced(0, { bytes: one })],
      /at byte 28: .* names interface 0/,
    ],
    [
      'an interface of the section before',
      [b.section(), b.interface(1), b.section(), b.simple({ bytes: one })],
      /interface 0/,
    ],
    [
      'more captured than the block holds',
      [b.section(), b.interface(1), b.enhanced(0, { bytes: one }, 5)],
      /room for 4/,
    ],
    [
      'a simple packet shorter than it must be',
      [b.section(), b.interface(1), b.simple({ bytes: one, original: 60 })],
      /hold 60/,
    ],
    ['a length that is no multiple of 4', [b.section(), Buffer.from('0000000900000011', 'hex')], /cannot be 17 bytes/],
    ['a length below its own frame', [b.section(), Buffer.from('0000000900000008', 'hex')], /cannot be 8 bytes/],
    ['a packet block without room for its fields', [b.section(), b.block(6, one)], /cannot be 16 bytes/],
    [
      'a head and a tail that differ',
      [b.section(), Buffer.from('000000090000000c00000010', 'hex')],
      /12 .* 16 by its tail/,
    ],
    [
      'a section of a later version',
      [Buffer.from('0a0d0d0a0000001c1a2b3c4d00020000ffffffffffffffff0000001c', 'hex')],
      /version 2\.0/,
    ],
    ['a section of no byte order', [Buffer.from('0a0d0d0a0000001c1a2b3c4e', 'hex')], /byte-order magic 0x1a2b3c4e/],
  ];
  it.each(lies)('refuses %s', (_name, parts, message) => {
    expect(() => read(Buffer.concat(parts))).toThrow(message);
  });
});

describe('the end of the file', () => {
  it('reports where a capture is cut short, and reads every packet before', () => {
    const frames = [{ bytes: Buffer.alloc(50, 1) }, { bytes: Buffer.alloc(60, 2) }];
    const file = pcapFile(frames, { bigEndian: false, nanoseconds: false, linkType: 1 });
    // 24 of file header, 16 + 50 of the first record, 16 + 60 of the second.
    for (let length = 24; length < file.length; length += 1) {
      const seen = read(file.subarray(0, length));
      const whole = length < 90 ? 24 : 90;
      expect(seen.frames.length).toBe(length < 90 ? 0 : 1);
      expect(seen.file.equals(file.subarray(0, whole))).toBe(true);
      if (length === whole) expect(seen.cut).toBeUndefined();
      else expect(seen.cut).toMatchObject({ offset: whole, held: length - whole });
    }
    expect(read(file.subarray(0, 160)).cut).toEqual({ offset: 90, held: 70, needed: 76 });
  });

  it.each([
    ['an empty file', Buffer.alloc(0), /the file is empty/],
    ['half a magic', Buffer.from('d4c3', 'hex'), /ends after 2 bytes/],
    ['half a file header', Buffer.from('d4c3b2a102000400', 'hex'), /ends after 8 bytes/],
    ['a compressed capture', Buffer.from('1f8b08000000', 'hex'), /compressed with gzip/],
    ['something else', Buffer.from('From: me'), /magic 0x46726f6d is neither pcap nor pcapng/],
  ])('refuses %s', (_name, file, message) => {
    expect(() => read(file)).toThrow(message);
  });
});
