/**
 * Rules as `nft -f` text: one table of our own per instance, replaced whole in one transaction.
 * The forms are those that nft 0.9.8 to 1.1 all read (`queue num N-M bypass,fanout`, not `queue flags`).
 *
 * Where the kernel has no `queue` expression, rules go to a chain whose only rule is iptables' target NFQUEUE
 * ({@link targets}); nft cannot write that one, and prints it as `queue`.
 */
import { PROTOCOL_NUMBERS } from '../net/protocol.js';
import { DF_MASK, type ProtocolMatch, type ResolvedRule, nameOfTag, tagOf } from './resolve.js';
import { type Hook } from './spec.js';

export type Family = 'ip' | 'bridge';
export const FAMILIES: readonly Family[] = ['ip', 'bridge'];

/** Netfilter's NF_IP_PRI_MANGLE; the bridge family has no name for it. */
const PRIORITY = -150;
/** Before defragmentation (-400) and connection tracking (-200). */
const EARLY_PRIORITY = -450;
const EARLY = 'early';
const TABLE_PREFIX = 'clear_df_';

/** A table that an instance has already, as far as it can stay. */
export interface Present {
  family: Family;
  chains: readonly { name: string; hook: string | undefined }[];
}

interface Chain {
  name: string;
  /** Of a base chain. */
  hook?: string;
  lines: string[];
}

/** How a rule sends packets to the queue: nft's own expression, or a chain with iptables' target. */
export type Means = 'expression' | 'target';

const CHAINS: Record<Hook, string> = {
  output: 'output',
  prerouting: 'prerouting',
  postrouting: 'postrouting',
  bridge: 'forward',
};

const [TCP, UDP] = [`ip protocol ${PROTOCOL_NUMBERS.tcp}`, `ip protocol ${PROTOCOL_NUMBERS.udp}`];

/** The family whose table holds a hook's chain. */
export function familyOf(hook: Hook): Family {
  return hook === 'bridge' ? 'bridge' : 'ip';
}

/** `ip clear_df_<name>`: family and table as nft commands name them. Rules that queue are never in `inet`. */
export function tableOf(family: Family | 'inet', name: string): string {
  return `${family} ${TABLE_PREFIX}${name}`;
}

/** The instance that a table's name names, or undefined when it is not one of ours. */
export function nameOfTable(table: string): string | undefined {
  return table.startsWith(TABLE_PREFIX) ? nameOfTag(tagOf(table.slice(TABLE_PREFIX.length))) : undefined;
}

/** A rule's lines; a port that may be on either side takes more than one. */
export const ruleLines = (rule: ResolvedRule): string[] => linesBy(rule, 'expression');

/** As {@link ruleLines}, by either means. */
export function linesBy(rule: ResolvedRule, means: Means): string[] {
  const before: string[] = [];
  if (rule.inDev !== undefined) before.push(`iifname "${rule.inDev}"`);
  if (rule.outDev !== undefined) before.push(`oifname "${rule.outDev}"`);
  if (rule.source !== undefined) before.push(`ip saddr ${rule.source}`);
  if (rule.destination !== undefined) before.push(`ip daddr ${rule.destination}`);
  const after = [`ip frag-off & 0x${DF_MASK.toString(16)} != 0`];
  if (rule.longerThan !== undefined) after.push(`meta length > ${rule.longerThan}`);
  if (rule.sourceLocal) after.push('fib saddr type local');
  if (rule.destinationNotLocal) after.push('fib daddr type != local');
  const comment = `comment "${tagOf(rule.name)}"`;
  const skipped = exceptions(rule.protocol).map((match) => [...before, ...match, 'counter return', comment].join(' '));
  after.push('counter', means === 'target' ? `goto ${targetOf(rule).chain}` : queueStatement(rule), comment);
  return [...skipped, ...protocolMatches(rule.protocol).map((match) => [...before, ...match, ...after].join(' '))];
}

/**
 * Packets that leave our chain before the rule. Not matches in the rule itself: nft 1.0.6 makes of
 * `udp sport != P udp dport != P` one 32-bit comparison, "not both", which queues QUIC.
 */
function exceptions(protocol: ProtocolMatch): string[][] {
  if (protocol.kind !== 'udp-other-port') return [];
  return ['sport', 'dport'].map((side) => [UDP, `udp ${side} ${protocol.port}`]);
}

function protocolMatches(protocol: ProtocolMatch): string[][] {
  switch (protocol.kind) {
    case 'any':
      return [[]];
    case 'gre':
    case 'esp':
      return [[`ip protocol ${PROTOCOL_NUMBERS[protocol.kind]}`]];
    case 'tcp-unidentified':
      return [[TCP, 'ip id 0']];
    case 'udp-port':
      // The second line leaves out what the first took, so that no packet is queued twice.
      return [
        [UDP, `udp sport ${protocol.port}`],
        [UDP, `udp sport != ${protocol.port}`, `udp dport ${protocol.port}`],
      ];
    case 'not-tcp':
    case 'not-udp':
      return [[`ip protocol != ${PROTOCOL_NUMBERS[protocol.kind === 'not-tcp' ? 'tcp' : 'udp']}`]];
    case 'tcp-at-most':
      return [[TCP, `meta length <= ${protocol.bytes}`]];
    case 'udp-other-port':
      return [[UDP]];
    case 'udp-later-fragment':
      return [[UDP, 'ip frag-off & 0x1fff != 0']];
  }
}

function queueStatement({ queues: { first, last }, fanout, bypass }: ResolvedRule): string {
  const flags = [...(bypass ? ['bypass'] : []), ...(fanout === 'cpu' ? ['fanout'] : [])];
  const target = `queue num ${first === last ? first : `${first}-${last}`}`;
  return flags.length === 0 ? target : `${target} ${flags.join(',')}`;
}

/** A chain that holds nothing but iptables' target NFQUEUE, and what the target says. */
export type Target = { chain: string } & Pick<ResolvedRule, 'queues' | 'bypass' | 'fanout'>;

function targetOf({ queues, bypass, fanout }: ResolvedRule): Target {
  // `queue` alone is a word of nft's.
  const chain = `to_queue${fanout === 'cpu' ? '_by_cpu' : ''}${bypass ? '' : '_or_drop'}`;
  return { chain, queues, bypass, fanout };
}

/** The chains that {@link Means} `target` needs, each once. */
export function targets(rules: readonly ResolvedRule[]): Target[] {
  return [...new Map(rules.map(targetOf).map((target) => [target.chain, target])).values()];
}

/** The text with every packet accepted that it would queue: shows whether a refusal was about the queue. */
export function withoutQueue(text: string): string {
  return text.replace(/ queue num \S+(?: (?:bypass,fanout|bypass|fanout))?/g, ' accept');
}

/**
 * The transaction that makes an instance's tables exactly these rules.
 * @param present the tables that the instance has now
 */
export function installText(
  name: string,
  rules: readonly ResolvedRule[],
  present: readonly Present[] = [],
  means: Means = 'expression',
): string {
  const hooks = [...new Set(rules.map(({ hook }) => hook))];
  const families = new Set(hooks.map(familyOf));
  const stale = present
    .filter(({ family }) => !families.has(family))
    .map(({ family }) => `delete table ${tableOf(family, name)}`);
  const tables = [...families].flatMap((family) => {
    const own = rules.filter(({ hook }) => familyOf(hook) === family);
    const chains = [
      ...earlyChain(own, means),
      ...hooks.filter((hook) => familyOf(hook) === family).map((hook) => chain(hook, own, means)),
    ];
    return table(family, name, [...targetChains(own, means), ...chains], present);
  });
  return [...stale, ...tables, ''].join('\n');
}

/**
 * A table that has the right chains keeps them, and gets other rules: with a base chain that goes the kernel discards
 * every packet that waits in a queue of the network namespace, whoever's (nf_unregister_net_hook()).
 */
function table(family: Family, name: string, chains: readonly Chain[], present: readonly Present[]): string[] {
  const shape = (all: Present['chains']): string =>
    all
      .map((one) => `${one.name} ${one.hook ?? ''}`)
      .sort()
      .join();
  const now = present.find((one) => one.family === family);
  const stays = now !== undefined && shape(now.chains) === shape(chains.map(({ name, hook }) => ({ name, hook })));
  return [
    // Adding first makes the second line succeed whether or not the table is there.
    `add table ${tableOf(family, name)}`,
    `${stays ? 'flush' : 'delete'} table ${tableOf(family, name)}`,
    `table ${tableOf(family, name)} {`,
    ...chains.flatMap(({ name, lines }) => [`  chain ${name} {`, ...lines.map((line) => `    ${line}`), '  }']),
    '}',
  ];
}

function targetChains(rules: readonly ResolvedRule[], means: Means): Chain[] {
  return means === 'target' ? targets(rules).map(({ chain }) => ({ name: chain, lines: [] })) : [];
}

/**
 * A text to try whether the kernel takes the rules: their lines in chains without a hook, as a base chain that goes at the
 * end of the trial would cost packets ({@link table}).
 */
export function trialText(rules: readonly ResolvedRule[]): string {
  const families = [...new Set(rules.map(({ hook }) => familyOf(hook)))];
  const tables = families.flatMap((family) => {
    const lines = rules.filter(({ hook }) => familyOf(hook) === family).flatMap(ruleLines);
    return table(family, TRIAL, [{ name: 'trial', lines }], []).slice(2);
  });
  return [...tables, ''].join('\n');
}

/** A name that no instance can have: what is tried must not meet a table that is there. */
export const TRIAL = '.trial';

/**
 * The transaction for an instance whose rules are in iptables, which has no place before defragmentation; undefined
 * when none of them needs one.
 */
export function earlyText(
  name: string,
  rules: readonly ResolvedRule[],
  means: Means,
  present: readonly Present[] = [],
): string | undefined {
  const forwarded = rules.filter(({ hook }) => hook === 'prerouting');
  if (forwarded.length === 0) return undefined;
  const chains = [...targetChains(forwarded, means), ...earlyChain(forwarded, means)];
  return [...table('ip', name, chains, present), ''].join('\n');
}

/** Whether a table holds nothing but what {@link earlyText} made. */
export function isEarlyAlone(baseChains: readonly string[]): boolean {
  return baseChains.length > 0 && baseChains.every((name) => name === EARLY);
}

/** Bytes: what is longer, and no fragment, is a GSO packet on all but jumbo links; those lose nothing here either. */
const WHOLE = 1500;

/**
 * Packets in transit that have to be taken before the kernel looks at connections:
 * - Fragments with DF. Defragmentation puts them together, and remembers that they had DF where no verdict reaches
 *   (IPSKB_FRAG_PMTU in ip_frag_reasm()): they leave as fragments with DF. So all are taken, whatever their length.
 * - UDP GSO packets. They go on to the companion queue in segments, and kernels like 6.1 refuse to segment a packet
 *   whose connection is not confirmed yet.
 */
function earlyChain(rules: readonly ResolvedRule[], means: Means): Chain[] {
  const forwarded = lastExceptions(rules.filter(({ hook }) => hook === 'prerouting'));
  if (forwarded.length === 0) return [];
  const limit = Math.max(WHOLE, Math.min(...forwarded.map(({ longerThan = 0 }) => longerThan)));
  const comment = `comment "${tagOf(forwarded[0]?.name ?? '')}"`;
  const others = [`ip protocol != ${PROTOCOL_NUMBERS.udp}`, `meta length <= ${limit}`];
  return [
    baseChain(EARLY, 'prerouting', EARLY_PRIORITY, [
      ...others.map((other) => `ip frag-off & 0x3fff == 0 ${other} return ${comment}`),
      ...forwarded.flatMap((rule) => linesBy(anyLength(rule), means)),
    ]),
  ];
}

function baseChain(name: string, hook: string, priority: number, lines: string[]): Chain {
  return { name, hook, lines: [`type filter hook ${hook} priority ${priority}; policy accept;`, ...lines] };
}

function anyLength({ longerThan: _, ...rule }: ResolvedRule): ResolvedRule {
  return rule;
}

/** A packet that an exception takes out of the chain meets no later rule: rules that have some come last. */
function lastExceptions(rules: readonly ResolvedRule[]): ResolvedRule[] {
  const excepting = ({ protocol }: ResolvedRule): boolean => exceptions(protocol).length > 0;
  return [...rules.filter((rule) => !excepting(rule)), ...rules.filter(excepting)];
}

function chain(hook: Hook, rules: readonly ResolvedRule[], means: Means): Chain {
  const own = lastExceptions(rules.filter((rule) => rule.hook === hook));
  return baseChain(
    CHAINS[hook],
    CHAINS[hook],
    PRIORITY,
    own.flatMap((rule) => linesBy(rule, means)),
  );
}

/** The rules of one table as `nft list table` prints it, each with the chain that it stands in; ours have a comment. */
export function listedRules(text: string): { chain: string; rule: string }[] {
  let chain = '';
  return text.split('\n').flatMap((line) => {
    chain = /^\s*chain (\S+) \{/.exec(line)?.[1] ?? chain;
    return line.includes('comment "') ? [{ chain, rule: line.trim() }] : [];
  });
}

/** The transaction that removes an instance's tables, or undefined when it has none. */
export function removeText(name: string, present: readonly Family[]): string | undefined {
  if (present.length === 0) return undefined;
  return [...present.map((family) => `delete table ${tableOf(family, name)}`), ''].join('\n');
}

/** The transaction that takes the rules of an instance out of its tables, which stay; undefined when it has none. */
export function emptyText(name: string, present: readonly Family[]): string | undefined {
  if (present.length === 0) return undefined;
  return [...present.map((family) => `flush table ${tableOf(family, name)}`), ''].join('\n');
}
