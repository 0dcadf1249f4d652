/**
 * What is so on the machine, as far as a tunnel is concerned: read once by `src/host/facts.ts`, judged everywhere else.
 * Plain data, so that plans can be made and tested without a machine.
 */
import type { Answer } from './enums.js';
import type { Mark, Site } from './site/site.js';

/** One device, from `ip -d -j address show`. */
export interface Link {
  name: string;
  /** Bytes. */
  mtu: number;
  up: boolean;
  /** The bridge or VRF that it is a port of. */
  master: string | undefined;
  /** `linkinfo.info_kind`: gretap, bridge, veth, …; undefined for hardware. */
  kind: string | undefined;
  /** `linkinfo.info_data` as it was printed. */
  data: Readonly<Record<string, unknown>>;
  /** With prefix length, global and link-local, IPv4 and IPv6: `10.0.0.1/24`. */
  addresses: readonly Address[];
  /** Created by the kernel with a module, as gre0 is. */
  fallback: boolean;
}

export interface Address {
  family: 4 | 6;
  /** `10.0.0.1/24` */
  prefix: string;
  scope: string;
  /** The words behind the prefix, as `ip address add` takes them again: `brd 10.0.0.255`. */
  words?: readonly string[];
  /** Set by DHCP or SLAAC: it comes and goes. */
  dynamic: boolean;
}

/** One IPv4 route of the main table, from `ip -j -4 route show table main`. */
export interface Route {
  /** `default` or `10.0.0.0/24`. */
  destination: string;
  via: string | undefined;
  dev: string;
  /** kernel, static, dhcp, … */
  protocol: string;
  /** The words behind the destination, as `ip route add` takes them again. */
  words: readonly string[];
}

/** One route of any table but the main and local ones of IPv4, from `ip -o -4|-6 route show table all`. */
export interface TableRoute {
  family: 4 | 6;
  /** As `ip` prints it: a number, or a name of /etc/iproute2/rt_tables. */
  table: string;
  destination: string;
  via: string | undefined;
  /** Empty where {@link type} says that it leads nowhere. */
  dev: string;
  /** Of a route that leads to no device: unreachable, blackhole, prohibit. */
  type?: string | undefined;
  /** The words behind the destination, without the table. */
  words: readonly string[];
}

/** One rule of the routing policy, from `ip -4|-6 rule show`. */
export interface PolicyRule {
  family: 4 | 6;
  preference: number;
  /** The words behind the preference: `not from all fwmark 0x66/0x66 lookup 50`. */
  words: readonly string[];
}

/** One security association; keys are never here. */
export interface XfrmState {
  source: string;
  destination: string;
  protocol: string;
  /** `0x00001001` as a number. */
  spi: number;
  mode: string;
  reqid: number;
  /** Wildcard where undefined. */
  mark?: Mark | undefined;
  ifId?: number | undefined;
  outputMark?: Mark | undefined;
  /** For packets of both families (`flag af-unspec`). */
  bothFamilies?: boolean | undefined;
  /** UDP ports around it. */
  encap?: { source: number; destination: number } | undefined;
  /** SHA-256 of algorithm names and keys (`digest.ts`), hexadecimal: whether they are those of the key file. */
  digest: string;
}

export interface XfrmPolicy {
  direction: string;
  /** Selector. */
  source: string;
  destination: string;
  protocol: string | undefined;
  /** Of a selector for ICMP that names both. */
  icmp?: { type: number; code: number } | undefined;
  /** GRE key of a selector for GRE that names one; 0 is that of packets without a key. */
  greKey?: number | undefined;
  /** The device of a selector that names one, for what leaves; `if12` when that device is gone. */
  dev?: string | undefined;
  /** Lets nothing through (`action block`). */
  blocks?: boolean | undefined;
  /** Any where undefined. */
  mark?: Mark | undefined;
  ifId?: number | undefined;
  /** First template; empty without one. */
  mode: string;
  reqid: number;
  /** First template's protocol: esp, ah, comp. */
  transform: string;
}

/** What charon says of itself, and the files that it reads. */
export interface IkeFacts {
  /** Why it could not be asked; undefined when it answered. */
  silent: { reason: string; hint: string | undefined } | undefined;
  /** Names of the connections that it has loaded. */
  connections: readonly string[];
  associations: readonly IkeAssociation[];
  /** Messages of the site's connection since charon began, by swanctl's names: `ike-init-out-req`; empty if not told. */
  messages: ReadonlyMap<string, number>;
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

export interface Facts {
  /** `uname -r`. */
  kernel: string;
  links: readonly Link[];
  routes: readonly Route[];
  /** Devices that an IPv6 default route leads to. */
  defaults6?: readonly string[];
  /** Routes elsewhere: other tables, and IPv6. */
  tableRoutes: readonly TableRoute[];
  rules: readonly PolicyRule[];
  /** Source of what is put into IPv6 with segments, `ip sr tunsrc`; `::` where none is set. For carrier srv6 only. */
  tunsrc?: string | undefined;
  /** The path to the remote address: device, and its MTU in bytes without what path discovery has learnt. */
  path: { dev: string; mtu: number; source: string | undefined; via: string | undefined } | undefined;
  /** The route that leads to the remote address; for carrier tun only. Length 0: a default route. */
  covering?: { dev: string; table: string; length: number } | undefined;
  /** Names of loaded (or built-in and visible) modules that plans ask about: br_netfilter, ip_gre, … */
  modules: ReadonlySet<string>;
  /** Kernel parameters that plans ask about, slashes; absent ones are not in it. */
  sysctls: ReadonlyMap<string, string>;
  states: readonly XfrmState[];
  policies: readonly XfrmPolicy[];
  /** Of strongSwan, where the site has its keys from it. */
  ike?: IkeFacts | undefined;
  /** Names of nft tables of ours: `bridge clear_df_NAME`; undefined when they could not be read. */
  tables: readonly string[] | undefined;
  /** What the machine can do, found by trying. */
  can: {
    /** `ignore-df` on a gretap. */
    ignoreDf: Answer;
    /** iptables rules that queue, with physdev. */
    bridgeQueue: Answer;
    /** A payload verdict in nft's bridge family comes through. */
    nftBridgeQueue: Answer;
    /** nft may clear DF in the kernel, found by its effect. */
    nftClearsDf: Answer;
    /** SRv6's End.DT4; asked for carrier srv6 only. */
    endDt4?: Answer | undefined;
  };
  /** What each answer of {@link Facts.can} rests on, in words. */
  evidence?: Readonly<Partial<Record<keyof Facts['can'], string>>>;
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

/** How many bytes the path to the other router takes. Without a route yet, the underlay is what can be known; without that, Ethernet. */
export function pathMtu({ underlay }: Pick<Site, 'underlay'>, facts: Facts): number {
  return facts.path?.mtu ?? linkOf(facts, underlay)?.mtu ?? ETHERNET_MTU;
}
