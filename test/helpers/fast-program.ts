/** The program of the fast path, loaded and attached nowhere: packets go through it by BPF_PROG_TEST_RUN. */
import { EVERY_PACKET } from '../../src/fast-path/place.js';
import { fromFastBlock, type FastCounters } from '../../src/fast-path/counters.js';
import {
  type NativeFastSettings,
  type NativePool,
  type NativeProgram,
  nativeFastPath,
} from '../../src/native/fast-path.js';
import { native } from '../../src/native.js';
import { checksum, randomFrame, randomSource } from './random-frames.js';

export class FastProgram {
  private constructor(readonly program: NativeProgram) {}

  static load(
    settings: Partial<NativeFastSettings> = {},
    pool: NativePool = new (nativeFastPath().Pool)(),
  ): FastProgram {
    return new FastProgram(
      new (nativeFastPath().Program)(pool, { ...EVERY_PACKET, ethernet: true, ...settings }, undefined),
    );
  }

  /** The frame as it left the program. */
  run(frame: Uint8Array, gso: { size: number; segments: number } = { size: 0, segments: 0 }): Uint8Array {
    return this.program.try(frame, gso.size, gso.segments, 1).bytes;
  }

  counters(): FastCounters {
    return fromFastBlock(this.program.counters());
  }
}

const ETH_P_IP = 0x0800;

export interface Comparison {
  packets: number;
  cleared: number;
  /** Frames of which the two made different things, as hex; at most five. */
  different: string[];
}

/**
 * Sends random frames through the queue's rules and through the fast path. The identification that a cleared packet has
 * been given is not compared, and the checksum has to be right instead.
 */
export function compareRules(count: number, seed: number, policy: 'random' | 'keep'): Comparison {
  const below = randomSource(seed);
  const rules = new (native().Rules)(policy);
  const fast = FastProgram.load({ identification: policy });
  const found: Comparison = { packets: count, cleared: 0, different: [] };
  for (let i = 0; i < count; i++) {
    const { bytes, type, network } = randomFrame(below);
    const byQueue = bytes.slice();
    const length = bytes.length - network;
    // The queue sees IPv4 alone.
    const edited = type === ETH_P_IP && rules.apply(byQueue, network, length, length);
    const byFast = fast.run(bytes);
    if (edited) found.cleared += 1;
    const given =
      edited && differ(byQueue.subarray(network + 4, network + 6), bytes.subarray(network + 4, network + 6));
    if (same(byQueue, byFast, network, given)) continue;
    if (found.different.length < 5) found.different.push(Buffer.from(bytes).toString('hex'));
  }
  return found;
}

function same(byQueue: Uint8Array, byFast: Uint8Array, network: number, given: boolean): boolean {
  if (!given) return !differ(byQueue, byFast);
  const header = byFast.subarray(network, network + (byFast[network]! & 15) * 4);
  const id = (header[4]! << 8) | header[5]!;
  const [a, b] = [byQueue.slice(), byFast.slice()];
  for (const bytes of [a, b]) bytes.fill(0, network + 4, network + 6).fill(0, network + 10, network + 12);
  return id !== 0 && checksum(header) === 0 && !differ(a, b);
}

function differ(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) !== 0;
}

/** A frame of 1400 bytes, TCP with DF, from 10.0.0.1. */
export function tcpFrame(destination = '10.0.0.2', identification = 0x1234, dontFragment = true): Uint8Array {
  const frame = Buffer.alloc(1414);
  frame.writeUInt16BE(0x0800, 12);
  frame[14] = 0x45;
  frame.writeUInt16BE(1400, 16);
  frame.writeUInt16BE(identification, 18);
  frame.writeUInt16BE(dontFragment ? 0x4000 : 0, 20);
  frame.set([64, 6], 22);
  frame.set([10, 0, 0, 1, ...destination.split('.').map(Number)], 26);
  frame[46] = 0x50;
  frame.writeUInt16BE(checksum(frame.subarray(14, 34)), 24);
  return new Uint8Array(frame);
}

/** The identification of a frame without tags. */
export function identificationOf(frame: Uint8Array): number {
  return (frame[18]! << 8) | frame[19]!;
}

/** How far apart two uses of a number were at least, in numbers. */
export class Distances {
  readonly #last = new Map<number, number>();
  taken = 0;
  least = Infinity;

  /** Counts a run of numbers. */
  take(first: number, run = 1): void {
    for (let number = first; number < first + run; number++) {
      const before = this.#last.get(number);
      if (before !== undefined) this.least = Math.min(this.least, this.taken - before);
      this.#last.set(number, this.taken++);
    }
  }

  has(number: number): boolean {
    return this.#last.has(number);
  }
}
