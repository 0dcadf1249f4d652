/** Rules that send packets to a queue, of whichever backend, and what they see. */
import * as z from 'zod';
import { UINT16_MAX } from '../net/protocol.js';
import { savedRules } from '../rules/iptables.js';
import { nameOfTag } from '../rules/resolve.js';
import { valueOf } from '../rules/save-format.js';
import { type Device, type IptablesVariant, type Machine, type Unread, known } from './machine.js';
import { type NftRule, devicesIn, isAmong, nftListing, placeOf } from './nft-listing.js';

/** What a rule catches, as far as DF matters. */
type Sight = 'bridged' | 'outer' | 'other';

export interface Feed {
  backend: IptablesVariant | 'nft';
  /** `mangle OUTPUT`, `ip t c`. */
  chain: string;
  /** As its backend prints it. */
  rule: string;
  first: number;
  last: number;
  /** Spread over the queues by CPU, where others go by the packet's addresses. */
  byCpu: boolean;
  bypass: boolean;
  /** Instance of clear-df that owns it. */
  owner: string | undefined;
  sight: Sight;
  /** forward, output, …; undefined for a chain that others jump to: what comes there is not known. */
  hook: string | undefined;
  /** Of IPv4's rules, not the bridge's own. */
  ipv4: boolean;
  /** Only GRE or ESP. */
  tunneled: boolean;
  /** The ports that frames leave by, as the rule has them; empty when all, undefined when that is not known. */
  ports: string[] | undefined;
  /** Bridged frames through br_netfilter, `-m physdev`. */
  physdev: boolean;
}

/** Every rule that queues, and the backends whose rules are not known. */
export function feedsOf(machine: Machine): { feeds: Feed[]; unread: (Unread & { backend: string })[] } {
  const unread: (Unread & { backend: string })[] = [];
  const feeds: Feed[] = [];
  for (const [backend, save] of machine.saves) {
    if ('unknown' in save) {
      unread.push({ backend, ...save });
      continue;
    }
    const rules = savedRules(save.known);
    feeds.push(...savedFeeds(backend, rules));
    const odd = rules.find(({ words }) => isQueueing(words) && queuesIn(words) === undefined);
    if (odd !== undefined) {
      const unknown = `a rule of ${odd.table} ${odd.chain} names its queue in a form that is not parsed here`;
      unread.push({ backend, unknown });
    }
  }
  const listing = nftListing(machine);
  if ('unknown' in listing) unread.push({ backend: 'nft', ...listing });
  else {
    feeds.push(...listing.known.rules.map((rule) => withTarget(rule, listing.known.rules)).flatMap(nftFeed));
    const odd = listing.known.rules.find(({ parts }) =>
      parts.some((part) => 'queue' in part && targetOf(part) === undefined),
    );
    const unknown = `handle ${odd?.handle} of ${odd && placeOf(odd)} finds its queue in a form that is not parsed here`;
    if (odd !== undefined) unread.push({ backend: 'nft', unknown });
  }
  return { feeds, unread };
}

function savedFeeds(backend: IptablesVariant, rules: ReturnType<typeof savedRules>): Feed[] {
  return rules.flatMap(({ table, chain, line, words }) => {
    const range = isQueueing(words) ? queuesIn(words) : undefined;
    if (range === undefined) return [];
    const physdev = words.some((word) => word.startsWith('--physdev-'));
    const protocol = words[words.indexOf('-p') - 1] === '!' ? 'other' : valueOf(words, '-p');
    const outer = ['OUTPUT', 'POSTROUTING'].includes(chain) && isOuter(protocol);
    const out = valueOf(words, '--physdev-out');
    const except = words[words.indexOf('--physdev-out') - 1] === '!';
    return [
      {
        ...{ backend, chain: `${table} ${chain}`, rule: line, ...range, physdev },
        byCpu: words.includes('--queue-cpu-fanout'),
        bypass: words.includes('--queue-bypass'),
        owner: nameOfTag(valueOf(words, '--comment') ?? ''),
        sight: physdev ? 'bridged' : outer ? 'outer' : 'other',
        hook: BUILT_IN.includes(chain) ? chain.toLowerCase() : undefined,
        ...{ ipv4: true, tunneled: isTunneled(protocol) },
        ports: out === undefined ? [] : except ? undefined : [out],
      },
    ];
  });
}

function isQueueing(words: readonly string[]): boolean {
  return valueOf(words, '-j') === 'NFQUEUE';
}

/** @returns undefined for what can be no queues */
function queuesIn(words: readonly string[]): Pick<Feed, 'first' | 'last'> | undefined {
  const range = valueOf(words, '--queue-balance') ?? valueOf(words, '--queue-num') ?? '0';
  const [first, last = first] = range.split(':').map(Number);
  const read = queues.safeParse([first, last]).data;
  return read && { first: read[0], last: read[1] };
}

const BUILT_IN = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

/** Whether an outer header of a GRE tunnel, plain or in ESP, may match. */
function isOuter(protocol: string | undefined): boolean {
  return protocol === undefined || protocol === 'all' || isTunneled(protocol);
}

function isTunneled(protocol: string | undefined): boolean {
  return protocol !== undefined && ['gre', '47', 'esp', '50'].includes(protocol);
}

const queue = z.int().min(0).max(UINT16_MAX);
/** The first and the last. */
const queues = z.tuple([queue, queue]).refine(([first, last]) => first <= last);
const queueing = z.object({
  queue: z.object({
    num: z.union([queue, z.object({ range: queues })]).default(0),
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

function targetOf(part: NftRule['parts'][number]) {
  // `queue` without anything: {"queue": null}.
  return 'queue' in part && part['queue'] === null ? { num: 0 } : queueing.safeParse(part).data?.queue;
}

function nftFeed(rule: NftRule): Feed[] {
  return rule.parts.flatMap((part): Feed[] => {
    const target = targetOf(part);
    if (target === undefined) return [];
    const [first, last] = typeof target.num === 'number' ? [target.num, target.num] : target.num.range;
    const protocols = rule.parts.flatMap((each) => protocolMatch.safeParse(each).data?.match.right ?? []);
    const leaving = rule.hook === 'output' || rule.hook === 'postrouting';
    const ipv4 = ['ip', 'inet'].includes(rule.family);
    const flags = [('flags' in target ? target.flags : undefined) ?? []].flat();
    return [
      {
        ...{ backend: 'nft', chain: placeOf(rule), rule: rule.text ?? `handle ${rule.handle}`, first, last },
        byCpu: flags.includes('fanout'),
        bypass: flags.includes('bypass'),
        owner: nameOfTag(rule.comment ?? ''),
        sight:
          rule.family === 'bridge' ? 'bridged' : ipv4 && leaving && protocols.every(isOuterNumber) ? 'outer' : 'other',
        ...{ hook: rule.hook, ipv4, tunneled: protocols.some((protocol) => isTunneled(String(protocol))) },
        ports: devicesIn(rule, 'oifname', 'oif'),
        physdev: false,
      },
    ];
  });
}

/**
 * A rule of clear-df that goes to a chain with iptables' target NFQUEUE, as if it had nft's own statement: its JSON says
 * only that there is a target, its text which queues.
 */
function withTarget(rule: NftRule, all: readonly NftRule[]): NftRule {
  const to = rule.parts.map((part) => goal.safeParse(part).data?.goto.target).find((chain) => chain !== undefined);
  if (to === undefined || nameOfTag(rule.comment ?? '') === undefined) return rule;
  const text = all.find((other) => placeOf(other) === placeOf({ ...rule, chain: to }))?.text ?? '';
  const [, first, last, words = ''] = /\bqueue num (\d+)(?:-(\d+))?(?: ([a-z,]+))?/.exec(text) ?? [];
  if (first === undefined) return rule;
  const num = last === undefined ? Number(first) : { range: [Number(first), Number(last)] };
  const flags = words.split(',').filter((word) => word === 'bypass' || word === 'fanout');
  return { ...rule, parts: [...rule.parts, { queue: { num, flags } }] };
}

const goal = z.object({ goto: z.object({ target: z.string() }) });

function isOuterNumber(protocol: string | number): boolean {
  return isOuter(String(protocol));
}

/** Whether bridged frames that leave by a port go through this rule, for certain. */
export function seesPort({ sight, hook, ports }: Feed, port: Device): boolean {
  return sight === 'bridged' && hook !== undefined && ports !== undefined && isAmong(port.name, ports);
}

/** `queue 0`, `queues 0-3` or `queues 0-3 by CPU`. */
export function queuesText({ first, last, byCpu }: Pick<Feed, 'first' | 'last' | 'byCpu'>): string {
  return first === last ? `queue ${first}` : `queues ${first}-${last}${byCpu ? ' by CPU' : ''}`;
}

/** The bridges, from the devices that could be read. */
export function bridgesOf(machine: Machine): Device[] {
  return (known(machine.devices) ?? []).filter(({ kind }) => kind === 'bridge');
}
