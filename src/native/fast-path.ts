/**
 * The addon of the fast path, `clear_df_fastpath.node`: loaded only when something asks for it, so that nothing else
 * depends on what it needs of the kernel. `csrc/fastpath/` has the other side.
 */
import { loadBinary } from './binary.js';
import type { IdentificationPolicy } from './surface.js';

/** Where a program sees packets: as they come in by a device, or as they leave by it. */
export type Direction = 'ingress' | 'egress';

/** The settings of a program, constants from then on. */
export type NativeFastSettings = {
  /** Packets start with an Ethernet header. */
  ethernet: boolean;
  identification: IdentificationPolicy;
  /**
   * Which packets need it: all that match (`none`), those that the kernel's route to their destination cannot carry
   * (`mtu`: the MTU of its device, or `largerThan`), or those that are forwarded (`forwarded`).
   */
  route: 'none' | 'mtu' | 'forwarded';
  /** Bytes from the IP header on, of each packet on the wire: only longer ones. 0: any. */
  largerThan: number;
  /** Interface index: of the packets that the route takes elsewhere, length does not count. 0: any. */
  outDevice: number;
  /** Leave UDP from and to port 443 alone. */
  leaveQuic: boolean;
  /** TCP with identification 0 is left to a queue behind, also where nothing was merged. */
  leaveZero: boolean;
  /** Addresses and the bits of them that count; 0 bits: any. */
  source: string;
  sourceBits: number;
  destination: string;
  destinationBits: number;
  /** IP protocol; 0: any. */
  protocol: number;
  /** UDP port of either end; 0: any. */
  port: number;
};

/** A filter of some instance of clear-df. */
export type NativeFilter = {
  /** Interface index. */
  device: number;
  direction: Direction;
  /** The instance's name. */
  name: string;
  programId: number;
};

/** Identifications that programs share. */
export interface NativePool {
  close(): void;
}

export interface NativeProgram {
  /** The kernel's id of it. */
  id(): number;
  identification(): IdentificationPolicy;
  /** In the order of `counterNames()`, summed over all CPUs. */
  counters(): BigUint64Array;
  /** Puts it at its place on a device, instead of one of the same name that is there. */
  attach(device: number, direction: Direction, name: string): void;
  /**
   * Sends one packet through it that goes nowhere (BPF_PROG_TEST_RUN).
   * @param gsoSize bytes of payload of each segment, 0 when it is no GSO packet
   * @param repeat times; the packet stays as the last time left it
   */
  try(
    packet: Uint8Array,
    gsoSize: number,
    gsoSegments: number,
    repeat: number,
  ): { bytes: Uint8Array; nanoseconds: number };
  close(): void;
}

/** A device of this network namespace. */
type NativeDevice = {
  index: number;
  /** Its packets start with an Ethernet header. */
  ethernet: boolean;
};

interface NativeFastPath {
  counterNames(): string[];
  device(name: string): NativeDevice;
  /** Of every instance in this network namespace. */
  filters(): NativeFilter[];
  /** The id of the instance's program at a place; throws when another program's filter is there. */
  look(device: number, direction: Direction, name: string): number | undefined;
  /** @returns whether there was one of that name */
  detach(device: number, direction: Direction, name: string): boolean;
  /** A fresh pool, or that of an attached program (CAP_SYS_ADMIN). */
  Pool: new (programId?: number) => NativePool;
  /** Loads a program, which goes on with the counters of another; or opens an attached one (CAP_SYS_ADMIN). */
  Program: {
    new (pool: NativePool, settings: NativeFastSettings, before: NativeProgram | undefined): NativeProgram;
    new (programId: number): NativeProgram;
  };
}

/** What these throw: `errno` by number, the failed call, and the verifier's last words where it refused. */
export type NativeFastError = Error & { errno: number; operation: string; detail: string };

let loaded: NativeFastPath | undefined;

/**
 * The addon, loaded on first use.
 * @throws ClearDfError ENVIRONMENT when it is not there or does not load
 */
export function nativeFastPath(): NativeFastPath {
  loaded ??= loadBinary('clear_df_fastpath') as NativeFastPath;
  return loaded;
}
