/**
 * What the two capture formats have in common: a file is a row of blocks, some
 * of which hold a packet.
 */
import { ClearDfError } from '../errors.js';

/**
 * Largest block that is believed, in bytes: libpcap's own limit for pcapng
 * (INITIAL_MAX_BLOCKSIZE), 64 times its largest snapshot length (MAXIMUM_SNAPLEN).
 */
export const MAX_BLOCK = 16 * 1024 * 1024;

/** A packet's link-layer frame within the bytes that hold its block. */
export interface CapturedPacket {
  /** The LINKTYPE_ number of the interface it was captured on. */
  readonly linkType: number;
  /** Where the frame starts. */
  readonly offset: number;
  /** Bytes of the frame that the file holds. */
  readonly captured: number;
  /** Bytes of the frame on the wire, never below `captured`. */
  readonly original: number;
}

/** Finds the blocks of one format. Offsets named `file` count from the start of the file, for messages. */
export interface Decoder {
  readonly format: 'pcap' | 'pcapng';
  /**
   * Size in bytes of the block at `at`. When fewer bytes than its header are held it is the size of the header,
   * so that a result above what is held always means: come back with that many.
   * @throws ClearDfError RUNTIME when no sound block can start with these bytes
   */
  size(bytes: Buffer, at: number, file: number): number;
  /**
   * The packet of a block that is held whole, if it has one.
   * @throws ClearDfError RUNTIME when the block contradicts itself
   */
  packet(bytes: Buffer, at: number, size: number, file: number): CapturedPacket | undefined;
}

/** A capture that cannot be read on: names the byte of the file where sense ends. */
export function corrupt(file: number, reason: string, hint?: string): ClearDfError {
  return new ClearDfError({
    code: 'RUNTIME',
    operation: 'read capture',
    object: `at byte ${file}`,
    reason,
    hint: hint ?? 'check the file with capinfos or tshark',
  });
}
