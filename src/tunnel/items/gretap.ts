/** There is a gretap device with these ends and flags. */
import { type Facts, type Link, linkOf } from '../facts.js';
import { readGreKey } from '../gre-key.js';
import type { Command, Item, ItemStatus } from '../item.js';

export interface GretapOptions {
  local: string;
  remote: string;
  /** Device or VRF that its packets are bound to; undefined: the routing table decides. */
  dev?: string | undefined;
  /** RFC 2890; both directions. */
  key: number | undefined;
  pmtudisc: boolean;
  ignoreDf: boolean;
  /** undefined: inherit. */
  ttl: number | undefined;
  reason: string;
}

/** The flags that a live device may be given anew. */
interface Flags {
  pmtudisc: boolean;
  ignoreDf: boolean;
  ttl: number;
}

/** What changes the size or the meaning of a packet, and which no site file asks for. */
const FOREIGN = ['iseq', 'oseq', 'icsum', 'ocsum', 'external', 'fwmark', 'encap', 'tos'] as const;

/**
 * Not bound to the underlay by `dev`, unless the carrier asks for it: the routing table stays in charge, so that the tunnel follows a change of the
 * way to the other end, and IPsec policies and rules by mark apply to it.
 */
export function gretapItem(name: string, options: GretapOptions): Item {
  const { local, remote, key, reason } = options;
  const wanted: Flags = { pmtudisc: options.pmtudisc, ignoreDf: options.ignoreDf, ttl: options.ttl ?? 0 };
  const bound = options.dev === undefined ? [] : ['dev', options.dev];
  const ends = ['type', 'gretap', 'local', local, 'remote', remote, ...bound];
  const keyed = key === undefined ? [] : ['key', String(key)];
  const change = (flags: readonly string[]): Command => ({
    argv: ['ip', 'link', 'change', 'dev', name, ...ends, ...keyed, ...flags],
  });
  const changes = (from: Flags, to: Flags): Command[] => steps(from, to).map(change);
  return {
    kind: 'gretap',
    key: `gretap ${name}`,
    desired: `${name} is a gretap from ${local} to ${remote}${keyText(key)}${bound.length === 0 ? '' : ` by ${options.dev}`}: ${flagWords(wanted, true).join(' ')}`,
    reason,
    status: (facts) => statusOf(name, facts, options, wanted),
    apply(facts) {
      const link = linkOf(facts, name);
      if (link !== undefined) return changes(flagsOf(link), wanted);
      return [{ argv: ['ip', 'link', 'add', 'name', name, ...ends, ...keyed, ...flagWords(wanted, false)] }];
    },
    undo(facts) {
      const link = linkOf(facts, name);
      if (link !== undefined) return changes(wanted, flagsOf(link));
      return [{ argv: ['ip', 'link', 'delete', 'dev', name, 'type', 'gretap'], mayFail: true }];
    },
  };
}

function statusOf(name: string, facts: Facts, options: GretapOptions, wanted: Flags): ItemStatus {
  const link = linkOf(facts, name);
  if (link === undefined) return { state: 'differs', observed: 'there is none' };
  const hint = `choose another tunnel.name; or, if it is not in use: ip link delete dev ${name}`;
  if (link.kind !== 'gretap') {
    return { state: 'conflict', observed: `${name} is a ${link.kind ?? 'hardware'} device`, hint };
  }
  const { data } = link;
  const stranger = FOREIGN.find((flag) => data[flag] !== undefined && data[flag] !== false);
  if (stranger !== undefined) return { state: 'conflict', observed: `${name} has ${stranger}`, hint };
  const ends = `${name} goes from ${show(data['local'])} to ${show(data['remote'])}${keyText(readGreKey(data['okey']))}`;
  const same =
    data['local'] === options.local &&
    data['remote'] === options.remote &&
    (options.dev === undefined || data['link'] === undefined || data['link'] === options.dev) &&
    readGreKey(data['ikey']) === options.key &&
    readGreKey(data['okey']) === options.key;
  if (!same) return { state: 'conflict', observed: ends, hint };
  const found = flagsOf(link);
  const right = steps(found, wanted).length === 0;
  return right ? { state: 'in-sync' } : { state: 'differs', observed: `it is ${flagWords(found, true).join(' ')}` };
}

function flagsOf({ data }: Link): Flags {
  return { pmtudisc: data['pmtudisc'] !== false, ignoreDf: data['ignore_df'] === true, ttl: Number(data['ttl'] ?? 0) };
}

/**
 * The flags of each change that is needed. `ipgre_netlink_parms` refuses pmtudisc while ignore-df is on, also when the
 * same message turns it off: that takes two.
 */
function steps(from: Flags, to: Flags): string[][] {
  if (from.pmtudisc === to.pmtudisc && from.ignoreDf === to.ignoreDf && from.ttl === to.ttl) return [];
  const last = flagWords(to, true);
  if (!from.ignoreDf || !to.pmtudisc) return [last];
  return [flagWords({ ...from, pmtudisc: false, ignoreDf: false }, true), last];
}

/** @param all also say what is the default of a new device */
function flagWords({ pmtudisc, ignoreDf, ttl }: Flags, all: boolean): string[] {
  const words = [pmtudisc ? 'pmtudisc' : 'nopmtudisc'];
  if (ignoreDf || all) words.push(ignoreDf ? 'ignore-df' : 'noignore-df');
  if (ttl !== 0 || all) words.push('ttl', ttl === 0 ? 'inherit' : String(ttl));
  return words;
}

function keyText(key: number | undefined): string {
  return key === undefined ? '' : ` with key ${key}`;
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : 'any';
}
