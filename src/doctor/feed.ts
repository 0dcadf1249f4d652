/** Rules that send packets to a queue, of whichever backend, and what they see. */
import { z } from 'zod';
import { savedRules } from '../rules/iptables.js';
import { nameOfTag } from '../rules/resolve.js';
import { valueOf } from '../rules/words.js';
import { type Device, type IptablesVariant, type Machine, type Unread, known } from './machine.js';
import { type NftRule, devicesIn, nftListing, placeOf } from './nft-listing.js';

/** What a rule catches, as far as DF matters. */
export type Sight = 'bridged' | 'outer' | 'other';

export interface Feed {
  backend: IptablesVariant | 'nft';
  /** `mangle OUTPUT`, `ip t c`. */
  chain: string;
  /** As its backend prints it. */
  rule: string;
  first: number;
  last: number;
  bypass: boolean;
  /** Instance of clear-df that owns it. */
  owner: string | undefined;
  sight: Sight;
  /** For bridged ones: the ports that frames leave by; empty when all. */
  ports: string[];
  /** Bridged frames by way of br_netfilter, `-m physdev`. */
  physdev: boolean;
}

/** Every rule that queues, and the backends whose rules are not known. */
export function feedsOf(machine: Machine): { feeds: Feed[]; unread: (Unread & { backend: string })[] } {
  const unread: (Unread & { backend: string })[] = [];
  const feeds: Feed[] = [];
  for (const [backend, save] of machine.saves) {
    if ('unknown' in save) unread.push({ backend, ...save });
    else feeds.push(...savedFeeds(backend, save.known));
  }
  const listing = nftListing(machine);
  if ('unknown' in listing) unread.push({ backend: 'nft', ...listing });
  else feeds.push(...listing.known.rules.flatMap(nftFeed));
  return { feeds, unread };
}

function savedFeeds(backend: IptablesVariant, save: string): Feed[] {
  return savedRules(save).flatMap(({ table, chain, line, words }) => {
    if (valueOf(words, '-j') !== 'NFQUEUE') return [];
    const range = valueOf(words, '--queue-balance') ?? valueOf(words, '--queue-num') ?? '0';
    const [first = 0, last = first] = range.split(':').map(Number);
    const physdev = words.some((word) => word.startsWith('--physdev-'));
    const protocol = words[words.indexOf('-p') - 1] === '!' ? 'other' : valueOf(words, '-p');
    const outer = ['OUTPUT', 'POSTROUTING'].includes(chain) && isOuter(protocol);
    const out = valueOf(words, '--physdev-out');
    return [
      {
        ...{ backend, chain: `${table} ${chain}`, rule: line, first, last, physdev },
        bypass: words.includes('--queue-bypass'),
        owner: nameOfTag(valueOf(words, '--comment') ?? ''),
        sight: physdev ? 'bridged' : outer ? 'outer' : 'other',
        ports: out === undefined ? [] : [out],
      },
    ];
  });
}

/** Whether an outer header of a GRE tunnel, plain or in ESP, may match. */
function isOuter(protocol: string | undefined): boolean {
  return protocol === undefined || ['all', 'gre', '47', 'esp', '50'].includes(protocol);
}

const queueing = z.object({
  queue: z.object({
    num: z.union([z.number(), z.object({ range: z.tuple([z.number(), z.number()]) })]).default(0),
    flags: z.union([z.string(), z.array(z.string())]).optional(),
  }),
});
const protocolMatch = z.object({
  match: z.object({
    left: z.union([
      z.object({ payload: z.object({ field: z.literal('protocol') }) }),
      z.object({ meta: z.object({ key: z.literal('l4proto') }) }),
    ]),
    right: z.union([z.string(), z.number()]),
  }),
});

function nftFeed(rule: NftRule): Feed[] {
  return rule.parts.flatMap((part): Feed[] => {
    // `queue` without anything: {"queue": null}.
    const target = 'queue' in part && part['queue'] === null ? { num: 0 } : queueing.safeParse(part).data?.queue;
    if (target === undefined) return [];
    const [first, last] = typeof target.num === 'number' ? [target.num, target.num] : target.num.range;
    const protocols = rule.parts.flatMap((each) => protocolMatch.safeParse(each).data?.match.right ?? []);
    const leaving = rule.hook === 'output' || rule.hook === 'postrouting';
    const outer = ['ip', 'inet'].includes(rule.family) && leaving;
    return [
      {
        ...{ backend: 'nft', chain: placeOf(rule), rule: rule.text ?? `handle ${rule.handle}`, first, last },
        bypass: [('flags' in target ? target.flags : undefined) ?? []].flat().includes('bypass'),
        owner: nameOfTag(rule.comment ?? ''),
        sight: rule.family === 'bridge' ? 'bridged' : outer && protocols.every(isOuterNumber) ? 'outer' : 'other',
        ports: devicesIn(rule, 'oifname', 'oif'),
        physdev: false,
      },
    ];
  });
}

function isOuterNumber(protocol: string | number): boolean {
  return isOuter(String(protocol));
}

/** Whether bridged frames that leave by a port go through this rule. */
export function seesPort(feed: Feed, port: Device): boolean {
  return feed.sight === 'bridged' && (feed.ports.length === 0 || feed.ports.includes(port.name));
}

/** `queue 0` or `queues 0-3`. */
export function queuesText({ first, last }: Pick<Feed, 'first' | 'last'>): string {
  return first === last ? `queue ${first}` : `queues ${first}-${last}`;
}

/** The bridges, from the devices that could be read. */
export function bridgesOf(machine: Machine): Device[] {
  return (known(machine.devices) ?? []).filter(({ kind }) => kind === 'bridge');
}
