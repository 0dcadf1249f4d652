/** A packet in one base chain: what happened to it there. */
import type { Header } from './header.js';
import type { Hook, Role } from './nft-marks.js';

export interface ChainVisit {
  /** Of whose tables: nft's (those of iptables-nft among them), or iptables-legacy's. */
  source: 'nft' | 'legacy';
  /** nft's trace id: the same for a packet as long as it is the same piece of memory; empty for iptables-legacy. */
  trace: string;
  head: Header;
  /** `bridge`, `ip`, `inet`. */
  family: string;
  hook: Hook;
  table: string;
  chain: string;
  priority: number;
  devices: Devices;
  /** `accept`, `drop`, `queue`, `stolen`, …; undefined where its end was not seen. */
  verdict: string | undefined;
  /** The rule that gave the verdict; undefined: the policy did. */
  rule: TracedRule | undefined;
  /** What our own chain has shown; undefined for the chains of others. */
  roles: ReadonlySet<Role> | undefined;
}

/** Names; `physical` ones are the bridge's ports, as br_netfilter knows them. */
export interface Devices {
  in?: string | undefined;
  out?: string | undefined;
  physicalIn?: string | undefined;
  physicalOut?: string | undefined;
}

export interface TracedRule {
  chain: string;
  /** Counted from 1, as `iptables -L --line-numbers`; undefined where it is not known. */
  number: number | undefined;
  /** As its backend prints it, without counters. */
  text: string;
  /** The owner's comment: `clear-df:site-a`. */
  comment: string | undefined;
  /** Of a rule that queues. */
  queue: { numbers: string; bypass: boolean } | undefined;
}

/** The queue of an iptables rule or nft statement. */
export function queueOf(text: string): TracedRule['queue'] {
  const iptables = /--queue-(?:num|balance) (\d+(?::\d+)?)/.exec(text)?.[1];
  if (iptables !== undefined) return { numbers: iptables, bypass: text.includes('--queue-bypass') };
  const nft = /\bqueue (?:flags (\S+) )?(?:num|to) (\d+(?:-\d+)?)(.*)$/.exec(text);
  if (nft?.[2] === undefined) return undefined;
  return { numbers: nft[2].replace('-', ':'), bypass: /\bbypass\b/.test(`${nft[1] ?? ''} ${nft[3] ?? ''}`) };
}
