/** The whole native surface, typed: what csrc's `_wrap.cc` give to JavaScript. */
import type { FaultKind } from '../counters.js';

/** How a packet that has become fragmentable gets its identification. */
export type IdentificationPolicy = 'random' | 'keep' | 'sequential';

/** `auto` mangles GSO packets whole where that is safe; `off` lets the kernel segment before queueing. */
export type NativeOptions = {
  /** First and last queue number, 0–65535. */
  firstQueue: number;
  lastQueue: number;
  identification: IdentificationPolicy;
  gso: boolean;
  failOpen: boolean;
  /** Whose rules vouch that no packet of these queues is delivered to this host. */
  neverLocal: boolean;
  /** Companion queue for GSO packets that need segmenting: a number, or -1 to choose a free one. */
  companion: number;
  /** Packets that may wait in the kernel for a verdict. */
  queueLength: number;
  /** Bytes of the netlink socket's receive buffer. */
  receiveBuffer: number;
  /** Packets taken and answered at once, 64 at most. */
  batch: number;
  /** Longest pause to gather packets, in microseconds; 0 for none. */
  coalesce: number;
  /** Copy range in bytes. */
  copyRange: number;
};

/** One line of what took and what did not when a queue was bound. */
export type NativeSetting = {
  queue: number;
  setting: string;
  required: boolean;
  /** The value asked for. */
  value: number;
  /** 0, or the kernel's errno (positive). */
  errno: number;
};

/** A rare event of a worker; packets never come this way. */
export type NativeFault = {
  queue: number;
  kind: FaultKind;
  /** The kernel's errno (positive), or 0. */
  errno: number;
  /** How many packets or events since the last report of this kind. */
  count: number;
};

/** Thrown by `NativeMangler` when a step fails: `errno` by number, the queue, and the step's name. */
export type NativeOpenError = Error & { errno: number; queue: number; operation: string };

/** Workers over a queue range. Constructed bound and running. */
export interface NativeMangler {
  settings(): NativeSetting[];
  /** Companion queue number, or -1. */
  companion(): number;
  /** Netlink port id of each queue's socket, the companion's included. */
  ports(): { queue: number; portId: number; threadId: number; companion: boolean }[];
  /** One counter block per queue in order, the companion's last. */
  counters(): { queue: number; companion: boolean; block: BigUint64Array }[];
  /** The destination and protocol that consume identifications fastest: per second over the last window, or undefined. */
  busiest(): { destination: string; protocol: number; perSecond: number } | undefined;
  setIdentification(policy: IdentificationPolicy): void;
  /** Stop the inflow, answer what is queued, unbind, join. Resolves when all threads are gone; safe to call again. */
  close(): Promise<void>;
}

/** Where ESP in UDP is taken, and whom keepalives go to. */
export type NativeEspInUdpOptions = {
  /** Address of this host, or `0.0.0.0`, and its UDP port, 1–65535. */
  local: string;
  port: number;
  remote: string;
  remotePort: number;
  /** Seconds between two keepalives, at most 86400; 0: none are sent. */
  keepalive: number;
};

export type NativeEspInUdpCounts = {
  /** Keepalives sent. */
  keepalives: number;
  /** Keepalives that the kernel did not send. */
  refused: number;
  /** Packets with the non-ESP marker, discarded. */
  ike: number;
  /** Packets too short for ESP, discarded. */
  other: number;
  /** What the kernel dropped: the buffer was full, or a checksum wrong. */
  dropped: number;
  /** Of the last keepalive: the kernel's errno (positive), or 0. */
  errno: number;
  /** Who sent the last packet that was not ESP; `0.0.0.0`: nobody has. */
  from: string;
};

/** A bound socket with UDP_ENCAP; closed when it is collected, or its environment ends. */
export interface NativeEspInUdp {
  /** Send a keepalive when one is due, and discard what is not ESP; never waits. */
  tend(): void;
  /** As the last {@link tend} left them; still there after {@link close}. */
  counts(): NativeEspInUdpCounts;
  /** Safe to call again. */
  close(): void;
}

/** Thrown by `EspInUdp` when a step fails: `errno` by number, and the step's name. */
export type NativeEspInUdpError = Error & { errno: number; operation: string };

/** The packet rules alone, for captures: no root, no kernel. */
export interface NativeRules {
  /**
   * Apply the rules to one packet that starts at `offset` with its network header; edits `bytes` in place.
   * @returns whether the bytes were edited
   */
  apply(bytes: Uint8Array, offset: number, length: number, originalLength: number): boolean;
  counters(): BigUint64Array;
}

/** Echo requests of one kind. Lengths in bytes, IPv4 header included. */
export type NativeProbe = {
  destination: string;
  /** `0.0.0.0`: as the route says. */
  source: string;
  /** Of each request, 36–65535. */
  bytes: number;
  /** Cut it into fragments of at most this many; 0 sends it whole. */
  fragmentBytes: number;
  dontFragment: boolean;
  /** Enough as soon as one is answered. */
  first: boolean;
  /** 1–100; a frag needed or a refusal is final, no more follow it. */
  tries: number;
  /** Milliseconds to the next try while nothing came. */
  interval: number;
  /** Milliseconds to wait behind the last try. */
  timeout: number;
};

/** What came of one request. Addresses are `0.0.0.0` and numbers 0 where there is nothing to tell. */
export type NativeProbeResult = {
  /** `pending`: out, but no longer waited for; `refused`: this host did not send it. */
  outcome: 'pending' | 'lost' | 'answered' | 'frag-needed' | 'unreachable' | 'refused';
  /** Who answered or complained. */
  from: string;
  /** This host's address that was used. */
  source: string;
  /** Of `frag-needed` the next hop's, of EMSGSIZE the device's. */
  mtu: number;
  /** Of the ICMP message (RFC 792). */
  type: number;
  code: number;
  /** Of `refused`: the kernel's errno (positive). */
  errno: number;
  /** Milliseconds. */
  roundTrip: number;
  /** DF of what came back. */
  dontFragment: boolean;
  /** Bytes of the largest fragment of what came back; 0 when it came whole. */
  fragment: number;
};

/** What `probe` rejects with when it cannot ask at all. */
export type NativeProbeError = Error & { errno: number; operation: string };

/** Datagrams to a router, as whole frames; see `csrc/sender/sender.h`. */
export type NativeSend = {
  /** The link, by its device's name. */
  device: string;
  /** Of the router's end, `xx:xx:xx:xx:xx:xx`. */
  mac: string;
  /** The first of `flows` addresses that take turns; those of packets without DF are apart. */
  source: string;
  destination: string;
  /** Bytes of each, IP header included: 56-1500. */
  length: number;
  milliseconds: number;
  /** Packets a second; 0: as many as go. */
  rate: number;
  /** 1-32. */
  flows: number;
  /** Percent of the packets that have DF set. */
  df: number;
};

export type NativeSent = {
  sent: number;
  /** The link dropped them, and said so. */
  refused: number;
  seconds: number;
};

/** What `send` throws: `errno` by number, and the step's name. */
export type NativeSendError = Error & { errno: number; operation: string };

/** A rule of nft's family ip that has nothing but the target NFQUEUE of iptables; see `csrc/kernel/nftables.h`. */
export type NativeQueueRule = {
  table: string;
  chain: string;
  comment: string;
  first: number;
  last: number;
  bypass: boolean;
  byCpu: boolean;
  /** Only see whether the kernel would take it, in a table of that name that is not there; nothing stays. */
  tryOnly: boolean;
};

export interface Native {
  counterNames(): string[];
  /** Appends a rule, or tries it. @returns 0, or the kernel's errno (positive) */
  nftQueue(rule: NativeQueueRule): number;
  /**
   * A text that changes when rules do: of nft (empty name), or of a table of iptables-legacy that is there (rules that
   * are exchanged for others of the same size do not show).
   * @returns '' when it cannot be determined
   */
  rulesetMark(legacyTable: string): string;
  /** The network namespace, never two alike: `cookie-1450`, `lo-50085` (`csrc/kernel/netns.h`); undefined: not to be had. */
  namespaceId(): string | undefined;
  /** One question to the path, off the JavaScript thread; needs CAP_NET_RAW. */
  probe(request: NativeProbe): Promise<NativeProbeResult[]>;
  /** Sends on the calling thread, and returns when it is over; needs CAP_NET_RAW. */
  send(request: NativeSend): NativeSent;
  /** flock(2), exclusive, never waits: 0 or the errno. `inherit`: commands started from now on hold the lock too. */
  flock(descriptor: number, inherit: boolean): number;
  /** One datagram to a Unix socket (`@NAME`: abstract), never waits: 0 or the errno. See `csrc/kernel/notify.h`. */
  notify(address: string, text: string): number;
  Mangler: new (options: NativeOptions, onFault: (fault: NativeFault) => void) => NativeMangler;
  EspInUdp: new (options: NativeEspInUdpOptions) => NativeEspInUdp;
  Rules: new (identification: IdentificationPolicy) => NativeRules;
}
