/** Devices that tunnels are made of: a gretap, a VTI, an XFRM interface. */
import { type Link, linkOf } from '../facts.js';
import type { Command, Item, ItemStatus } from '../item.js';
import { hex } from '../mark.js';
import { device } from './link.js';

interface GretapOptions {
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
 * route to the other end, and IPsec policies and rules by mark apply to it.
 */
export function gretapItem(name: string, options: GretapOptions): Item {
  const { local, remote, key, reason } = options;
  const wanted: Flags = { pmtudisc: options.pmtudisc, ignoreDf: options.ignoreDf, ttl: options.ttl ?? 0 };
  const bound = options.dev === undefined ? [] : ['dev', options.dev];
  const ends = ['local', local, 'remote', remote, ...bound, ...(key === undefined ? [] : ['key', String(key)])];
  const change = (flags: readonly string[]): Command => ({
    argv: ['ip', 'link', 'change', 'dev', name, 'type', 'gretap', ...ends, ...flags],
  });
  const changes = (from: Flags, to: Flags): Command[] => steps(from, to).map(change);
  const hint = unused('tunnel.name', name);
  const made = device(name, {
    ...{ type: 'gretap', words: [...ends, ...flagWords(wanted, false)], hint },
    judge: (link) => judgeGretap(link, options, wanted, hint),
  });
  return {
    kind: 'gretap',
    key: `gretap ${name}`,
    desired: `${name} is a gretap from ${local} to ${remote}${keyText(key)}${bound.length === 0 ? '' : ` by ${options.dev}`}: ${flagWords(wanted, true).join(' ')}`,
    reason,
    status: made.status,
    apply(facts) {
      const link = linkOf(facts, name);
      return link === undefined ? made.apply(facts) : changes(flagsOf(link), wanted);
    },
    // `ipgre_changelink` takes other ends and another key; what binds it to a device cannot be taken off by `ip`.
    change(facts) {
      const link = linkOf(facts, name);
      if (link?.kind !== 'gretap' || foreignFlag(link) !== undefined) return undefined;
      if ((link.data['link'] ?? undefined) !== options.dev) return undefined;
      const found = flagsOf(link);
      const flags = steps(found, wanted);
      const none = key === undefined ? ['nokey'] : [];
      return (flags.length === 0 ? [flagWords(wanted, true)] : flags).map((words) => change([...none, ...words]));
    },
    undo(facts) {
      const link = linkOf(facts, name);
      return link === undefined ? made.undo(facts) : changes(wanted, flagsOf(link));
    },
  };
}

function foreignFlag({ data }: Link): string | undefined {
  return FOREIGN.find((flag) => data[flag] !== undefined && data[flag] !== false);
}

function judgeGretap(link: Link, options: GretapOptions, wanted: Flags, hint: string): ItemStatus {
  const { name, data } = link;
  const stranger = foreignFlag(link);
  if (stranger !== undefined) return { state: 'conflict', observed: `${name} has ${stranger}`, hint };
  const ends = `${name} goes from ${show(data['local'])} to ${show(data['remote'])}${keyText(readGreKey(data['okey']))}`;
  const same =
    data['local'] === options.local &&
    data['remote'] === options.remote &&
    (options.dev === undefined || data['link'] === undefined || data['link'] === options.dev) &&
    readGreKey(data['ikey']) === options.key &&
    readGreKey(data['okey']) === options.key;
  if (!same) return { state: 'conflict', observed: ends, hint };
  const found = flagsOf({ data });
  const right = steps(found, wanted).length === 0;
  return right ? { state: 'in-sync' } : { state: 'differs', observed: `it is ${flagWords(found, true).join(' ')}` };
}

function flagsOf({ data }: Pick<Link, 'data'>): Flags {
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

/** What to do where the name of a device is taken. @param key of the site file, which names it */
function unused(key: string, name: string): string {
  return `choose another ${key}; or, if it is not in use: ip link delete dev ${name}`;
}

interface VtiOptions {
  local: string;
  remote: string;
  /**
   * Both directions, and the mark of its policies. `okey` alone, which was enough once, is not: the policy for what
   * arrives is looked up by `i_key` (vti_rcv_cb in net/ipv4/ip_vti.c), and nothing comes in (XfrmInNoPols).
   */
  key: number;
  reason: string;
}

export function vtiDeviceItem(name: string, { local, remote, key, reason }: VtiOptions): Item {
  const hint = unused('carrier.device', name);
  return {
    ...{ kind: 'vti', key: `vti ${name}`, reason },
    desired: `${name} is a VTI from ${local} to ${remote} with key ${hex(key)}`,
    ...device(name, {
      ...{ type: 'vti', words: ['local', local, 'remote', remote, 'key', `${key}`], hint },
      judge({ data }) {
        const keys = [readGreKey(data['ikey']), readGreKey(data['okey'])];
        const same = data['local'] === local && data['remote'] === remote && keys.every((one) => one === key);
        if (same) return { state: 'in-sync' };
        const shown = keys.map((one) => (one === undefined ? 'none' : hex(one))).join(' and ');
        const observed = `${name} goes from ${show(data['local'])} to ${show(data['remote'])}, keys ${shown}`;
        return { state: 'conflict', observed, hint };
      },
    }),
  };
}

interface XfrmDeviceOptions {
  /** The device that ESP leaves by. */
  underlay: string;
  ifId: number;
  reason: string;
}

export function xfrmDeviceItem(name: string, { underlay, ifId, reason }: XfrmDeviceOptions): Item {
  const hint = unused('carrier.device', name);
  return {
    ...{ kind: 'xfrm-device', key: `xfrm-device ${name}`, reason },
    desired: `${name} is an XFRM interface with if_id ${hex(ifId)}`,
    ...device(name, {
      ...{ type: 'xfrm', words: ['dev', underlay, 'if_id', hex(ifId)], hint },
      judge({ data }) {
        const found = ifIdOf(data);
        if (found === ifId) return { state: 'in-sync' };
        const shown = found === undefined ? 'none, but takes it from each packet (external)' : hex(found);
        return { state: 'conflict', observed: `the if_id of ${name} is ${shown}`, hint };
      },
    }),
  };
}

/** `ip` prints it as text, `0x66`; one that collects metadata has none. */
export function ifIdOf(data: Readonly<Record<string, unknown>>): number | undefined {
  const value = data['if_id'];
  return typeof value === 'string' || typeof value === 'number' ? Number(value) : undefined;
}

/** Keys as `ip` prints them, `0.0.0.10` or 10, as a number; undefined for a device without one. */
export function readGreKey(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  const parts = value.split('.').map(Number);
  return parts.length === 1 ? parts[0] : parts.reduce((sum, part) => sum * 256 + part, 0);
}
