/** A capture in whatever chunks it arrives, to whole blocks in file order. */
import { corrupt, type CapturedPacket, type Decoder } from './decoder.js';
import { isPcap, PcapDecoder } from './pcap.js';
import { isPcapng, PcapngDecoder } from './pcapng.js';

/** Whole blocks as they stand in the file. Edit packets in place, then write `bytes`: the copy is the edited file. */
export interface CaptureBatch {
  readonly bytes: Buffer;
  /** The packets within `bytes`, in order. */
  readonly packets: readonly CapturedPacket[];
}

/** A file that ends in the middle of a block, as a killed capture or a full disk leaves it. */
export interface CutShort {
  /** Byte of the file where the last block starts. */
  readonly offset: number;
  /** Bytes of it that are there. */
  readonly held: number;
  /** Bytes of it that should be there, or as many as are known to be missing at least. */
  readonly needed: number;
}

const NO_BYTES = Buffer.alloc(0);
const MAGIC = 4;

/**
 * Streaming reader for pcap and pcapng. It holds one unfinished block and nothing else, and memory grows with the
 * bytes that have arrived, never with what a length field claims (limit: `MAX_BLOCK` and one chunk).
 */
export class CaptureReader {
  private decoder: Decoder | undefined;
  /** Bytes of the unfinished block, and room for more. */
  private store = NO_BYTES;
  private held = 0;
  /** Size that the unfinished block is known to have at least. */
  private needed = MAGIC;
  /** Where the unfinished block starts in the file. */
  private position = 0;

  /** The file's format, once its magic has been seen. */
  get format(): Decoder['format'] | undefined {
    return this.decoder?.format;
  }

  /**
   * Take the next bytes of the file; they belong to the reader from now on.
   * @returns every block that is whole by now, its bytes the caller's
   * @throws ClearDfError RUNTIME when the file is no capture, or contradicts itself; the reader is then spent
   */
  push(chunk: Uint8Array): CaptureBatch {
    const bytes = this.join(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    if (bytes.length < this.needed) return { bytes: NO_BYTES, packets: [] };
    this.decoder ??= chooseDecoder(bytes);

    const packets: CapturedPacket[] = [];
    let at = 0;
    for (;;) {
      const file = this.position + at;
      this.needed = this.decoder.size(bytes, at, file);
      if (bytes.length - at < this.needed) break;
      const packet = this.decoder.packet(bytes, at, this.needed, file);
      if (packet !== undefined) packets.push(packet);
      at += this.needed;
    }
    this.keep(bytes.subarray(at));
    this.position += at;
    return { bytes: bytes.subarray(0, at), packets };
  }

  /**
   * Say that the file has ended.
   * @returns what is missing, when it ended within a block
   * @throws ClearDfError RUNTIME when not even the file's own header was there
   */
  end(): CutShort | undefined {
    if (this.position === 0) {
      throw corrupt(
        0,
        this.held === 0 ? 'the file is empty' : `the file ends after ${this.held} bytes, within its header`,
      );
    }
    return this.held === 0 ? undefined : { offset: this.position, held: this.held, needed: this.needed };
  }

  /** What is held with `chunk` behind it; copied only when something is held, into room that doubles. */
  private join(chunk: Buffer): Buffer {
    const length = this.held + chunk.length;
    if (this.held === 0) {
      if (length < this.needed) this.keep(chunk);
      return chunk;
    }
    if (length > this.store.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.store.length));
      this.store.copy(grown, 0, 0, this.held);
      this.store = grown;
    }
    chunk.copy(this.store, this.held);
    this.held = length;
    return this.store.subarray(0, length);
  }

  /** Hold on to the start of an unfinished block, apart from bytes that now are the caller's. */
  private keep(rest: Buffer): void {
    this.store = rest.length === 0 ? NO_BYTES : Buffer.from(rest);
    this.held = rest.length;
  }
}

function chooseDecoder(start: Buffer): Decoder {
  if (isPcap(start)) return new PcapDecoder(start);
  if (isPcapng(start)) return new PcapngDecoder();
  if (start[0] === 0x1f && start[1] === 0x8b) {
    throw corrupt(0, 'the file is compressed with gzip', 'gunzip < IN | clear-df pcap - OUT');
  }
  throw corrupt(
    0,
    `the magic 0x${start.toString('hex', 0, MAGIC)} is neither pcap nor pcapng`,
    'convert it first: editcap -F pcapng OLD NEW',
  );
}
