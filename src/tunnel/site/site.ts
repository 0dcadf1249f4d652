/**
 * A site: what one YAML file says of one end of a tunnel. The shape that the planner reads; `tunnel/site-file.ts` makes it
 * from text and refuses what cannot be right.
 */
import type { Fanout } from '../../rules/spec.js';
import type { IdentificationPolicy } from '../enums.js';

export const TUNNEL_TYPES = ['gretap', 'l2tp', 'vxlan'] as const;
export type TunnelTypeName = (typeof TUNNEL_TYPES)[number];

/** What Ethernet frames travel in: the device that is a port of the bridge. */
export type TunnelSpec = GretapTunnel | L2tpTunnel | VxlanTunnel;

/** Frames in GRE. */
export interface GretapTunnel {
  type: 'gretap';
  name: string;
  /** GRE key (RFC 2890). */
  key: number | undefined;
  /** DF on the outer header as the kernel's own default has it; needs the outer hook as well. */
  pmtudisc: boolean;
  /** Fixed TTL of the outer header; undefined: inherit. */
  ttl: number | undefined;
  /** Outer header to match where one has to be: the GRE before, or the ESP after encryption. */
  match: 'gre' | 'esp';
}

/** Frames in L2TPv3 without a control connection (RFC 3931 §4.1; `ip l2tp`). */
export interface L2tpTunnel {
  type: 'l2tp';
  name: string;
  /** IP protocol 115, or UDP. */
  encapsulation: 'ip' | 'udp';
  /** Our own, and the other end's. */
  tunnelId: number;
  peerTunnelId: number;
  sessionId: number;
  peerSessionId: number;
  /** UDP ports: ours, and the other end's. */
  port: number;
  peerPort: number;
  /** Whether the 4 bytes of the default Layer-2-Specific Sublayer (RFC 3931 §4.6) are there. */
  sublayer: 'default' | 'none';
  /** Absolute path of the file of cookies, and how many bytes each has; undefined: none. */
  cookie: { file: string; bytes: 4 | 8 } | undefined;
}

/** Frames in VXLAN (RFC 7348), each other end an entry of the forwarding database. */
export interface VxlanTunnel {
  type: 'vxlan';
  name: string;
  /** Network identifier, the same on all ends. */
  vni: number;
  /** UDP destination port, the same on all ends. */
  port: number;
}

/** The settings of a gretap; undefined for tunnels of another type. */
export function gretapOf({ tunnel }: Pick<Site, 'tunnel'>): GretapTunnel | undefined {
  return tunnel.type === 'gretap' ? tunnel : undefined;
}

/** Every other end. */
export function remotesOf({ remote, moreRemotes = [] }: Pick<Site, 'remote' | 'moreRemotes'>): readonly string[] {
  return [remote, ...moreRemotes];
}

/** What carries the tunnel's packets to the other end. */
export type CarrierSpec =
  | PlainCarrier
  | EspCarrier
  | EspInUdpCarrier
  | VtiCarrier
  | XfrmInterfaceCarrier
  | TunCarrier
  | Srv6Carrier;

/** GRE straight over the underlay. */
export interface PlainCarrier {
  type: 'plain';
}

export type EspMode = 'transport' | 'tunnel';
/** AES-GCM with a 16-byte tag (RFC 4106), or AES-CBC with HMAC-SHA-256-128 (RFC 3602, 4868). Key lengths in bits. */
export type EspCipher = 'aes-gcm-128' | 'aes-gcm-256' | 'aes-cbc-128-sha256' | 'aes-cbc-256-sha256';

/** Where ESP has its keys from; the same for every carrier with ESP in it. */
export interface EspKeying {
  cipher: EspCipher;
  /**
   * A file with static keys (absolute path); `ike`: strongSwan on this router, set up by the plan; `external`: someone
   * else looks after states and policies.
   */
  keys: string;
  /** Ties policies to states (`reqid`). */
  reqid: number;
  /** With keys `ike` only. */
  ike: IkeSpec | undefined;
}

/** How the two ends prove who they are (RFC 7296 §2.15), and how long keys are in use. */
export interface IkeSpec {
  /** Absolute paths. */
  proof: { kind: 'psk'; file: string } | { kind: 'certificate'; certificate: string; key: string; authority: string };
  /** Identities; undefined: the addresses. */
  localId: string | undefined;
  remoteId: string | undefined;
  /** Seconds until ESP gets new keys. */
  rekey: number;
}

/** GRE inside ESP. */
export interface EspCarrier extends EspKeying {
  type: 'esp';
  mode: EspMode;
}

/** GRE inside ESP inside UDP (RFC 3948), for paths that let nothing else through, and for NAT. */
export interface EspInUdpCarrier extends EspKeying {
  type: 'esp-in-udp';
  mode: EspMode;
  /** UDP ports. */
  port: number;
  remotePort: number;
  /** Seconds between NAT keepalives (RFC 3948 §4); 0: none. */
  keepalive: number;
}

/** As `fwmark VALUE/MASK`. */
export interface Mark {
  value: number;
  mask: number;
}

/** ESP by a device that routes lead into: what goes in is encrypted, tunnel mode. */
export interface RouteBased extends EspKeying {
  /** The device that the plan makes. */
  device: string;
  /** Addresses at the two ends of the device; undefined: the tunnel uses the routers' own, by a table of its own. */
  inner: { local: string; remote: string } | undefined;
  /** On ESP that has left the device, so that it is not sent into it again; the rule is its opposite. */
  mark: Mark;
  /** Of the route into the device, and the preference of the rule that leads there; with the routers' own addresses only. */
  table: number;
  priority: number;
}

/** A VTI: policies by mark, which is its key as well. */
export interface VtiCarrier extends RouteBased {
  type: 'vti';
}

/** An XFRM interface: states and policies by `if_id`. */
export interface XfrmInterfaceCarrier extends RouteBased {
  type: 'xfrm-interface';
  ifId: number;
}

/** GRE by the device of a VPN that another program looks after: the site's underlay. */
export interface TunCarrier {
  type: 'tun';
}

type Srv6Encap = 'encap' | 'encap.red';

/** GRE by the VRF of a tenant, over a core that knows IPv6 only (RFC 8986 §4.7, §5). */
export interface Srv6Carrier {
  type: 'srv6';
  /** The tenant's, with its routing table. */
  vrf: string;
  table: number;
  /** A second VRF, through which packets are cut where the core is too small for them whole. */
  hop: { vrf: string; table: number };
  /** Our own segment, where the other end's packets come out: End.DT4. IPv6 addresses as RFC 5952 writes them. */
  sid: string;
  /** The path to the other end; its End.DT4 last. */
  segments: string[];
  /** Source of the outer packets (`ip sr tunsrc`). */
  source: string;
  encap: Srv6Encap;
  /** `whole`: the core carries everything; `second-hop`: IPv4 is cut before it is put into IPv6. */
  cut: 'auto' | 'whole' | 'second-hop';
}

export const ENGINES = ['nfqueue', 'tunnel-flag', 'bpf', 'none'] as const;
/**
 * Who makes the oversize inner frame fit: the queue, the tunnel's own `ignore-df`, a program in the kernel, or nobody,
 * because the tunnel device takes every frame as it is.
 */
export type Engine = (typeof ENGINES)[number];

export const BRIDGE_HOOKS = ['br-netfilter', 'nft-bridge'] as const;
/** How bridged frames reach the queue. */
export type BridgeHook = (typeof BRIDGE_HOOKS)[number];

export const FRAGMENTS = ['outer', 'inner'] as const;
/** What is cut where a packet does not fit: the packet around it, by the tunnel; or the host's own, by the bridge. */
type Fragment = (typeof FRAGMENTS)[number];

export interface Site {
  /** The file as it was given; stands in every refusal. */
  file: string;
  /** Instance name: journal, rule comments, unit. */
  name: string;
  /** Outer addresses; both IPv4 (dotted), or both IPv6 (RFC 5952). */
  local: string;
  /** Of several other ends the first. */
  remote: string;
  /** What the file left to be looked up, as it is written there: addresses may change while the tunnel is up. */
  lookedUp?: readonly { key: string; value: string }[] | undefined;
  /** The other ends behind the first; only where the tunnel's type has several. */
  moreRemotes?: readonly string[] | undefined;
  /** The device towards the other end. */
  underlay: string;
  /** Bytes of the largest packet that the path carries, where it is less than the route says; undefined: as that. */
  pathMtu?: number | undefined;
  /** Bytes of the largest IP packet that hosts may send through the bridge. */
  mtu: number;
  bridge: {
    name: string;
    ports: string[];
    /** Addresses of a port go to the bridge; without this a port that has some is refused. */
    moveAddresses: boolean;
  };
  tunnel: TunnelSpec;
  carrier: CarrierSpec;
  engine: Engine | 'auto';
  fragment: Fragment;
  hook: BridgeHook | 'auto';
  queues: { first: number; last: number };
  /** They stand in the file: engine bpf then has a queue behind it. */
  queueGiven?: boolean | undefined;
  /** How frames spread over them. */
  fanout: Fanout;
  identification: IdentificationPolicy;
  /** Where `up` serves metrics: `127.0.0.1:9857` or `off`. */
  metrics: string;
  /** Where a value stands: `FILE:LINE`, by the key's path: `place('bridge.ports.1')`. */
  place: (path: string) => string;
}
