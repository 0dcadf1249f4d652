/**
 * The state of the machine, as far as a tunnel is concerned: read once by `src/host/facts.ts`, judged everywhere else.
 * Plain data, so that plans can be made and tested without a machine. What the journal keeps of it is a schema, because
 * it is read again from a file; the types are that schema's.
 */
import * as z from 'zod';
import { type Abilities, abilities } from './abilities.js';
import type { IdentificationPolicy } from './enums.js';
import type { Mark, Site } from './site/site.js';

const list = <T extends z.ZodType>(item: T) => z.array(item).readonly();
const words = list(z.string());
const family = z.union([z.literal(4), z.literal(6)]);
const mark = z.object({ value: z.number(), mask: z.number() }).optional() satisfies z.ZodType<Mark | undefined>;

const address = z.object({
  family,
  /** `10.0.0.1/24` */
  prefix: z.string(),
  scope: z.string(),
  /** The words behind the prefix, as `ip address add` takes them again: `brd 10.0.0.255`. */
  words: words.optional(),
  /** Set by DHCP or SLAAC: it comes and goes. */
  dynamic: z.boolean(),
});
export type Address = z.infer<typeof address>;

/** One device, from `ip -d -j address show`. */
const link = z.object({
  name: z.string(),
  /** Bytes. */
  mtu: z.number(),
  up: z.boolean(),
  /** The bridge or VRF that it is a port of. */
  master: z.string().optional(),
  /** `linkinfo.info_kind`: gretap, bridge, veth, …; undefined for hardware. */
  kind: z.string().optional(),
  /** `linkinfo.info_data` as it was printed. */
  data: z.record(z.string(), z.unknown()),
  /** Global and link-local, IPv4 and IPv6. */
  addresses: list(address),
  /** Created by the kernel with a module, as gre0 is. */
  fallback: z.boolean(),
});
export type Link = z.infer<typeof link>;

/** One IPv4 route of the main table, from `ip -o -4 route show table main`. */
const route = z.object({
  /** `default` or `10.0.0.0/24`. */
  destination: z.string(),
  via: z.string().optional(),
  dev: z.string(),
  /** kernel, static, dhcp, … */
  protocol: z.string(),
  /** The words behind the destination, as `ip route add` takes them again. */
  words,
});
export type Route = z.infer<typeof route>;

/** One route of any table but the main and local ones of IPv4, from `ip -o -4|-6 route show table all`. */
const tableRoute = z.object({
  family,
  /** As `ip` prints it: a number, or a name of /etc/iproute2/rt_tables. */
  table: z.string(),
  destination: z.string(),
  via: z.string().optional(),
  /** Empty where `type` says that it leads nowhere. */
  dev: z.string(),
  /** Of a route that leads to no device: unreachable, blackhole, prohibit. */
  type: z.string().optional(),
  /** The words behind the destination, without the table. */
  words,
});
export type TableRoute = z.infer<typeof tableRoute>;

/** One rule of the routing policy, from `ip -4|-6 rule show`. */
const rule = z.object({
  family,
  preference: z.number(),
  /** The words behind the preference: `not from all fwmark 0x66/0x66 lookup 50`. */
  words,
});
export type PolicyRule = z.infer<typeof rule>;

/** One security association; keys are never here. */
const state = z.object({
  source: z.string(),
  destination: z.string(),
  protocol: z.string(),
  /** `0x00001001` as a number. */
  spi: z.number(),
  mode: z.string(),
  reqid: z.number(),
  /** Wildcard where undefined. */
  mark,
  ifId: z.number().optional(),
  outputMark: mark,
  /** For packets of both families (`flag af-unspec`). */
  bothFamilies: z.boolean().optional(),
  /** UDP ports around it. */
  encap: z.object({ source: z.number(), destination: z.number() }).optional(),
});
export interface XfrmState extends z.infer<typeof state> {
  /** SHA-256 of algorithm names and keys, hexadecimal: whether they are those of the key file. */
  digest: string;
}

const policy = z.object({
  direction: z.string(),
  /** Selector. */
  source: z.string(),
  destination: z.string(),
  protocol: z.string().optional(),
  /** UDP ports of the selector; 0: any. */
  ports: z.object({ source: z.number(), destination: z.number() }).optional(),
  /** Of a selector for ICMP that names both. */
  icmp: z.object({ type: z.number(), code: z.number() }).optional(),
  /** GRE key of a selector for GRE that names one; 0 is that of packets without a key. */
  greKey: z.number().optional(),
  /** The device of a selector that names one, for what leaves; `if12` when that device is gone. */
  dev: z.string().optional(),
  /** Lets nothing through (`action block`). */
  blocks: z.boolean().optional(),
  /** Any where undefined. */
  mark,
  ifId: z.number().optional(),
  /** First template; empty without one. */
  mode: z.string(),
  reqid: z.number(),
  /** First template's protocol: esp, ah, comp. */
  transform: z.string(),
});
export type XfrmPolicy = z.infer<typeof policy>;

/** One L2TPv3 tunnel, from `ip -j l2tp show tunnel`. */
const l2tpTunnel = z.object({
  id: z.number(),
  peerId: z.number(),
  encapsulation: z.enum(['ip', 'udp']),
  local: z.string(),
  remote: z.string(),
  /** UDP. */
  port: z.number().optional(),
  peerPort: z.number().optional(),
});
export type L2tpTunnelFact = z.infer<typeof l2tpTunnel>;

/** One session, from `ip -j l2tp show session`; cookies are never here. */
const l2tpSession = z.object({
  id: z.number(),
  tunnelId: z.number(),
  peerId: z.number(),
  /** Of its device. */
  name: z.string(),
});
export interface L2tpSession extends z.infer<typeof l2tpSession> {
  /** SHA-256 of its cookies, hexadecimal: whether they are those of the key file; empty where it has none. */
  digest: string;
}

const path = z.object({
  dev: z.string(),
  mtu: z.number(),
  source: z.string().optional(),
  via: z.string().optional(),
});

/** Facts that the journal of a tunnel keeps. */
export const keptFacts = z.object({
  links: list(link),
  routes: list(route),
  /** Routes elsewhere: other tables, and IPv6. */
  tableRoutes: list(tableRoute).default([]),
  rules: list(rule).default([]),
  /** Devices that an IPv6 default route leads to. */
  defaults6: list(z.string()).optional(),
  /** Source of what is put into IPv6 with segments, `ip sr tunsrc`; `::` where none is set. For carrier srv6 only. */
  tunsrc: z.string().optional(),
  /** The path to the remote address: device, and its MTU in bytes without what path discovery has learnt. */
  path: path.optional(),
  /** The paths to the other ends behind the first; an end without a route has none. */
  morePaths: list(path.extend({ to: z.string() })).optional(),
  /** The route that leads to the remote address; for carrier tun only. Length 0: a default route. */
  covering: z.object({ dev: z.string(), table: z.string(), length: z.number() }).optional(),
  states: list(state),
  policies: list(policy),
  /** For tunnels of type l2tp only; undefined where it could not be read. */
  l2tp: z.object({ tunnels: list(l2tpTunnel), sessions: list(l2tpSession) }).optional(),
  /** nft tables of ours with what is in them: `inet clear_df_NAME: output 2`; undefined when they could not be read. */
  tables: list(z.string()).optional(),
  can: abilities,
  evidence: z.record(z.string(), z.string()).optional(),
});

/** What charon says of itself, and the files that it reads. */
export interface IkeFacts {
  /** Why it could not be asked; undefined when it answered. */
  silent: { reason: string; hint: string | undefined } | undefined;
  /** Names of the connections that it has loaded. */
  connections: readonly string[];
  associations: readonly IkeAssociation[];
  /**
   * Messages of each connection of the site that has no keys since charon began, by swanctl's names: `ike-init-out-req`;
   * empty where it does not print them.
   */
  messages: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Tells this boot from others. */
  boot: string;
  /** Of the files that the site's connection is made of, by absolute name; those that cannot be read are not in it. */
  files: ReadonlyMap<string, FileFact>;
}

export interface FileFact {
  /** SHA-256, hexadecimal. */
  digest: string;
  /** It begins as those begin that clear-df writes. */
  ours: boolean;
}

/** One IKE association, from `swanctl --list-sas`. */
export interface IkeAssociation {
  connection: string;
  /** CONNECTING, ESTABLISHED, REKEYING, … */
  state: string;
  /** Seconds since it was. */
  established: number | undefined;
  children: readonly {
    /** INSTALLED, REKEYED, DELETING, … */
    state: string;
    /** TRANSPORT, TUNNEL. */
    mode: string;
    /** Seconds since its keys are in use. */
    installed: number | undefined;
  }[];
}

/** The place of a program of the fast path. */
export type FastPathFact =
  | { state: 'absent' }
  /** Its identifications, where they can be read. */
  | { state: 'attached'; identification?: IdentificationPolicy | undefined }
  | { state: 'conflict'; observed: string; hint?: string };

export interface Facts extends Omit<z.infer<typeof keptFacts>, 'states' | 'l2tp' | 'evidence'> {
  /** `uname -r`. */
  kernel: string;
  /** Devices of which `ip` prints what is not understood: none of {@link links}. */
  oddDevices?: readonly string[];
  /** Names of loaded (or built-in and visible) modules that plans ask about: br_netfilter, ip_gre, … */
  modules: ReadonlySet<string>;
  /** Kernel parameters that plans ask about, slashes; absent ones are not in it. */
  sysctls: ReadonlyMap<string, string>;
  states: readonly XfrmState[];
  l2tp?: { tunnels: readonly L2tpTunnelFact[]; sessions: readonly L2tpSession[] } | undefined;
  /** Where the site's VXLAN device sends what nobody is known for; undefined without such a device. */
  fdb?: readonly string[] | undefined;
  /** What each answer of `can` rests on, in words. */
  evidence?: Readonly<Partial<Record<keyof Abilities, string>>>;
  /** Of strongSwan, where the site has its keys from it. */
  ike?: IkeFacts | undefined;
  /** What is at the egress of the site's tunnel device; undefined when it was not looked at, or could not be read. */
  fastPath?: FastPathFact | undefined;
}

/** {@link Facts.tunsrc} where none is set. */
export const NO_TUNSRC = '::';

/** The device of this name. */
export function linkOf(facts: Facts, name: string): Link | undefined {
  return facts.links.find((link) => link.name === name);
}

/** What a device is, in words. */
export function kindText({ kind }: Pick<Link, 'kind'>): string {
  return `a ${kind ?? 'hardware'} device`;
}

const ETHERNET_MTU = 1500;

/** How many bytes the path to the other router takes; of several the least. Without a route yet, the underlay is what can be known; without that, Ethernet. */
export function pathMtu({ underlay, pathMtu: given }: Pick<Site, 'underlay' | 'pathMtu'>, facts: Facts): number {
  const found = facts.path?.mtu ?? linkOf(facts, underlay)?.mtu ?? ETHERNET_MTU;
  return Math.min(found, given ?? found, ...(facts.morePaths ?? []).map(({ mtu }) => mtu));
}
