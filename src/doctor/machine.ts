/**
 * A machine as the doctor sees it: read once by `src/host/doctor/`, judged by the other files of this folder. Plain
 * data, so that every judgement can be tried without a machine.
 */
import type { Facts, IkeFacts, Link, PolicyRule } from '../tunnel/facts.js';
import type { LastAttempt } from '../tunnel/carriers/ike/judge.js';
import type { Mark } from '../tunnel/site/site.js';
import type { Answer } from '../tunnel/enums.js';

/** What was read, or why it could not be. */
export type Reading<T> = { known: T } | Unread;

export interface Unread {
  unknown: string;
  /** The command after which it could be read. */
  fix?: string | undefined;
}

/** Loaded or built in, loadable, not in this kernel. */
export type ModuleState = 'loaded' | 'built-in' | 'available' | 'missing' | 'unknown';

export type Tool = { state: 'present'; version: string } | { state: 'missing'; install: string } | { state: 'unknown' };

/** A queue that some socket holds. */
export interface HeldQueue {
  queue: number;
  portId: number;
  /** Undefined when `/proc` does not show it: another user's, another PID namespace's. */
  process: { pid: number; name: string } | undefined;
  /** Packets. */
  queueDropped: number;
  userDropped: number;
}

/** One device, from `ip -d -s -j link show`. */
export interface Device extends Omit<Link, 'addresses' | 'fallback'> {
  /** Of a port of a bridge: forwarding, listening, learning, blocking, disabled. */
  portState?: string | undefined;
  /** Packets; a gretap counts the frames there that it refused. */
  txErrors: number;
  /** Packets; an IPsec device counts those there that no policy or association was found for. */
  txCarrierErrors?: number;
  /** Packets; an IPsec device counts those there that would have come back to it. */
  collisions?: number;
  /** Bytes of the largest IPv4 GSO packet; undefined where iproute2 or the kernel does not say. */
  gsoIpv4MaxSize: number | undefined;
}

/** What path MTU discovery has learnt, from `ip -j route show cache`. */
export interface LearntRoute {
  destination: string;
  dev: string;
  /** Bytes. */
  mtu: number;
  /** Seconds. */
  expires: number | undefined;
}

/** The path to an address. */
export interface Path {
  dev: string;
  /** Bytes, without what path discovery has learnt. */
  mtu: number;
}

/** A security association or policy; never a key. */
export interface Transform {
  source: string;
  destination: string;
  /** esp, ah, comp */
  protocol: string;
  /** in, out or fwd of a policy; undefined: an association. */
  direction?: string;
  mark?: Mark | undefined;
  ifId?: number | undefined;
  /** A policy of these packets alone, by protocol; undefined: of all. */
  selects?: string | undefined;
  /** A policy that names a GRE key, as guards of ours do. */
  greKey?: number | undefined;
  outputMark?: Mark | undefined;
}

/** What guards of a tunnel are judged by. */
export type Seals = Pick<Facts, 'policies' | 'rules' | 'tables' | 'covering'>;

/** Answers of the kernel, with what they rest on. */
export interface Capability {
  answer: Answer;
  evidence: string;
}

export interface Capabilities {
  /** An nft rule may clear DF. */
  nftClearsDf: Capability;
  /** A packet that an nft bridge queue hands back goes on. */
  nftBridgeQueue: Capability;
}

/** What a running clear-df says of itself at `/stats`, in packets. */
export interface Daemon {
  version: string;
  packets: number;
  leaked: number;
  overrun: number;
  /** What it advises itself. */
  advice: readonly { seen: string; remedy: string }[];
}

export type IptablesVariant = 'iptables-legacy' | 'iptables-nft';

/** What charon knows, and how the last `up` ended. */
export interface IkeReading {
  facts: IkeFacts;
  last: LastAttempt | undefined;
  /** When it was read. Milliseconds since 1970. */
  at: number;
}

/** A program of the fast path where it is attached. */
export interface FastProgram {
  device: string;
  direction: 'ingress' | 'egress';
  /** The instance's. */
  name: string;
  /** Packets; undefined: only root can look, or another version of clear-df attached it. */
  counters?: { packets: number; cleared: number; leftForQueue: number } | undefined;
}

export interface Machine {
  /** `uname -r`. */
  kernel: string;
  netAdmin: Answer;
  /** Whether this is the first user namespace: only there SO_RCVBUFFORCE is allowed. */
  initialUsers: Answer;
  tools: ReadonlyMap<string, Tool>;
  modules: ReadonlyMap<string, ModuleState>;
  queues: Reading<readonly HeldQueue[]>;
  /** Programs of the fast path, of whichever instance; undefined: not asked. */
  fastPaths?: Reading<readonly FastProgram[]> | undefined;
  /** `iptables-save` text. */
  saves: ReadonlyMap<IptablesVariant, Reading<string>>;
  /** `nft -j list ruleset`. */
  nftJson: Reading<string>;
  /** `nft -a list ruleset`. */
  nftText: Reading<string>;
  devices: Reading<readonly Device[]>;
  /** Devices that were left out: a name, quoted, that no command can be given, or properties that are not understood. */
  oddDevices?: readonly string[];
  /** VLANs that each port of a bridge carries, undefined where not understood, from `bridge -j vlan show`; undefined: not asked. */
  vlans?: Reading<ReadonlyMap<string, readonly number[] | undefined>> | undefined;
  learnt: Reading<readonly LearntRoute[]>;
  /** The paths to the far ends of the tunnels, by address; undefined: there is no route. */
  paths: ReadonlyMap<string, Reading<Path | undefined>>;
  transforms: Reading<readonly Transform[]>;
  /** Of the routing policy. */
  rules: Reading<readonly PolicyRule[]>;
  /** Kernel parameters, slashes; absent ones are not in it. */
  sysctls: ReadonlyMap<string, string>;
  /** `/proc/net/snmp` by nstat's names: `IpReasmFails`. */
  counters: Reading<ReadonlyMap<string, number>>;
  /** Bytes that incomplete datagrams take now, from `/proc/net/sockstat`. */
  fragmentMemory: Reading<number>;
  can: Capabilities;
  /** Only for a site. */
  seals?: Reading<Seals> | undefined;
  /** Of strongSwan; only for a site that has its keys from it. */
  ike?: Reading<IkeReading> | undefined;
  /** Undefined when no clear-df answers. */
  daemon: Daemon | undefined;
}

/** The value, or undefined when it could not be read. */
export function known<T>(reading: Reading<T>): T | undefined {
  return 'known' in reading ? reading.known : undefined;
}

/** A kernel parameter as a number, undefined when there is none. */
export function sysctlNumber({ sysctls }: Machine, key: string): number | undefined {
  const text = sysctls.get(key);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Major and minor as one number that compares: 6.12 → 6012; undefined when there is none. */
export function versionOf(kernel: string): number | undefined {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  return major === undefined ? undefined : Number(major) * 1000 + Number(minor);
}

/** Why there is no path to a far end, where it was looked for. */
export function noRoute(remote: string): string {
  return `there is no route to ${remote}`;
}

/** The path to a far end, for who needs one; where there is none, it is not known. */
export function pathTo({ paths }: Machine, remote: string): Reading<Path> {
  const path = paths.get(remote) ?? { unknown: `the path to ${remote} is not known` };
  if ('unknown' in path) return path;
  return path.known === undefined ? { unknown: noRoute(remote) } : { known: path.known };
}
