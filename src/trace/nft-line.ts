/** One line of `nft -a monitor trace`, as nft 0.9.8 to 1.1 print them. */
import { protocolName } from '../net/protocol.js';
import { type Header, icmpDetail } from './header.js';
import type { Devices } from './chain-visit.js';

export interface NftLine {
  id: string;
  family: string;
  table: string;
  chain: string;
  /** `packet` comes once for each base chain, before all else of it. */
  what: 'packet' | 'rule' | 'verdict' | 'policy';
  /** Of `packet`; undefined when it is no IPv4 packet. */
  head?: Header | undefined;
  devices?: Devices;
  /** Of `rule`: without counters and handle. */
  rule?: string;
  handle?: number | undefined;
  /** Of `rule`, `verdict` and `policy`: its first word. */
  verdict?: string;
}

const LINE = /^trace id ([0-9a-f]+) (\w+) (\S+) (\S+) (packet: |rule |verdict |policy )(.*)$/;

/** Undefined for a line that is not about a packet. */
export function parseNftLine(line: string): NftLine | undefined {
  const match = LINE.exec(line.trim());
  if (match === null) return undefined;
  const [, id = '', family = '', table = '', chain = '', what = '', rest = ''] = match;
  const place = { id, family, table, chain };
  switch (what) {
    case 'packet: ':
      return { ...place, what: 'packet', head: readHead(rest), devices: readDevices(rest) };
    case 'rule ':
      return { ...place, what: 'rule', ...readRule(rest) };
    case 'verdict ':
      return { ...place, what: 'verdict', verdict: firstWord(rest) };
    default:
      return { ...place, what: 'policy', verdict: firstWord(rest) };
  }
}

function readRule(text: string): Pick<NftLine, 'rule' | 'handle' | 'verdict'> {
  const [, body = text, verdict = ''] = /^(.*) \(verdict ([^()]*)\)$/.exec(text) ?? [];
  const handle = / # handle (\d+)$/.exec(body)?.[1];
  const rule = body
    .replace(/ # handle \d+$/, '')
    .replace(/\s*\bcounter packets \d+ bytes \d+/, '')
    .trim();
  return { rule, handle: handle === undefined ? undefined : Number(handle), verdict: firstWord(verdict) };
}

function readDevices(text: string): Devices {
  return { in: /\biif "([^"]+)"/.exec(text)?.[1], out: /\boif "([^"]+)"/.exec(text)?.[1] };
}

/** Headers of layers four that nft prints by name, in the order in which they are looked for. */
const NAMED = ['icmp', 'tcp', 'udp', 'udplite', 'esp', 'ah', 'sctp', 'dccp', 'igmp'];

function readHead(text: string): Header | undefined {
  const word = (key: string) => new RegExp(`\\b${key} (\\S+)`).exec(text)?.[1];
  const [source, destination] = [word('ip saddr'), word('ip daddr')];
  const length = word('ip length');
  if (source === undefined || destination === undefined || length === undefined) return undefined;
  const named = NAMED.find((name) => new RegExp(`\\b${name} (type|sport|spi) `).test(text));
  // Not printed where it follows from the rest.
  const given = word('ip protocol') ?? named ?? 'unknown';
  const protocol = protocolName(given) ?? given;
  const head = { source, destination, protocol, length: Number(length), identification: Number(word('ip id') ?? 0) };
  return { ...head, detail: readDetail(protocol, word), dontFragment: undefined };
}

function readDetail(protocol: string, word: (key: string) => string | undefined): string {
  switch (protocol) {
    case 'icmp':
      return icmpDetail(word('icmp type') ?? '', word('icmp id'), word('icmp sequence'));
    case 'tcp':
    case 'udp':
      return `${word(`${protocol} sport`)} > ${word(`${protocol} dport`)}`;
    case 'esp':
      return `spi 0x${Number(word('esp spi')).toString(16)} seq ${word('esp sequence')}`;
    default:
      return '';
  }
}

function firstWord(text: string): string {
  return text.trim().split(/\s+/)[0] ?? '';
}
