/**
 * A site: what one YAML file says of one end of a tunnel. The shape that the planner reads; `site-file.ts` makes it
 * from text and refuses what cannot be right.
 */
import type { IdentificationPolicy } from './words.js';

/** What carries the gretap to the other end. */
export type CarrierSpec = PlainCarrier | EspCarrier;

/** GRE straight over the underlay. */
export interface PlainCarrier {
  type: 'plain';
}

export type EspMode = 'transport' | 'tunnel';
/** AES-GCM with a 16-byte tag (RFC 4106), or AES-CBC with HMAC-SHA-256-128 (RFC 3602, 4868). Key lengths in bits. */
export type EspCipher = 'aes-gcm-128' | 'aes-gcm-256' | 'aes-cbc-128-sha256' | 'aes-cbc-256-sha256';

/** GRE inside ESP. */
export interface EspCarrier {
  type: 'esp';
  mode: EspMode;
  cipher: EspCipher;
  /** A file with static keys (absolute path), or `external`: an IKE daemon looks after states and policies. */
  keys: string;
  /** Ties policies to states (`reqid`). */
  reqid: number;
}

export const ENGINES = ['nfqueue', 'tunnel-flag', 'nft'] as const;
/** Who makes the oversize inner frame fit: the queue, the tunnel's own `ignore-df`, or a rule in the kernel. */
export type Engine = (typeof ENGINES)[number];

export const BRIDGE_HOOKS = ['br-netfilter', 'nft-bridge'] as const;
/** How bridged frames reach the queue. */
export type BridgeHook = (typeof BRIDGE_HOOKS)[number];

export interface Site {
  /** The file as it was given; stands in every refusal. */
  file: string;
  /** Instance name: journal, rule comments, unit. */
  name: string;
  /** Outer addresses, dotted. */
  local: string;
  remote: string;
  /** The device towards the other end. */
  underlay: string;
  /** Bytes of the largest IP packet that hosts may send through the bridge. */
  mtu: number;
  bridge: {
    name: string;
    ports: string[];
    /** Addresses of a port go to the bridge; without this a port that has some is refused. */
    moveAddresses: boolean;
  };
  tunnel: {
    name: string;
    /** GRE key (RFC 2890). */
    key: number | undefined;
    /** DF on the outer header as the kernel's own default has it; needs the outer hook as well. */
    pmtudisc: boolean;
    /** Fixed TTL of the outer header; undefined: inherit. */
    ttl: number | undefined;
    /** Outer header to match where one has to be: the GRE before, or the ESP after encryption. */
    match: 'gre' | 'esp';
  };
  carrier: CarrierSpec;
  engine: Engine | 'auto';
  hook: BridgeHook | 'auto';
  queues: { first: number; last: number };
  identification: IdentificationPolicy;
  /** Where `up` serves metrics: `127.0.0.1:9857` or `off`. */
  metrics: string;
  /** Where a value stands: `FILE:LINE`, by the key's path: `place('bridge.ports.1')`. */
  place: (path: string) => string;
}
