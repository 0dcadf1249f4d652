/**
 * Rules as `iptables-restore --noflush` text, and owned rules found in `iptables-save` text. The same text serves the
 * legacy and the nft variant.
 *
 * A packet that a queue gives back goes on behind the whole chain of the table: rules of others behind ours would see
 * small packets and not large ones. So ours stand last; {@link rulesBehind} finds who has come later.
 */
import { PROTOCOL_NUMBERS } from '../net/protocol.js';
import { DF_MASK, IDENTIFICATION_MASK, type ProtocolMatch, type ResolvedRule, nameOfTag, tagOf } from './resolve.js';
import { type Hook } from './spec.js';
import { canonical, joinWords, splitWords, valueOf } from './save-format.js';

export const TABLE = 'mangle';

/** The chain of each hook; the bridge hook is FORWARD as br_netfilter shows bridged frames to it. */
const CHAINS: Record<Hook, string> = {
  output: 'OUTPUT',
  prerouting: 'PREROUTING',
  postrouting: 'POSTROUTING',
  bridge: 'FORWARD',
};

/** xt_u32: the 32 bits at byte 4 of the IP header hold identification, flags and fragment offset. */
const wordIs = (mask: number, value: number) => `0x4&0x${mask.toString(16)}=0x${value.toString(16)}`;
const DF_SET = wordIs(DF_MASK, DF_MASK);
const DF_SET_UNIDENTIFIED = wordIs(IDENTIFICATION_MASK + DF_MASK, DF_MASK);

/** One `-A` line of `iptables-save`. */
export interface SavedRule {
  table: string;
  chain: string;
  /** As printed, without a counter prefix. */
  line: string;
  words: string[];
}

/** A saved rule that carries an instance's tag. */
export interface OwnedRule extends SavedRule {
  name: string;
}

/** A rule's `-A` line, in the order and spelling in which `iptables-save` 1.8.9 prints it. */
export function ruleLine(rule: ResolvedRule): string {
  const words = ['-A', CHAINS[rule.hook]];
  if (rule.source !== undefined) words.push('-s', rule.source);
  if (rule.destination !== undefined) words.push('-d', rule.destination);
  if (rule.hook !== 'bridge') {
    if (rule.inDev !== undefined) words.push('-i', rule.inDev);
    if (rule.outDev !== undefined) words.push('-o', rule.outDev);
  }
  words.push(...protocolWords(rule.protocol));
  if (rule.hook === 'bridge') {
    words.push('-m', 'physdev');
    if (rule.inDev !== undefined) words.push('--physdev-in', rule.inDev);
    if (rule.outDev !== undefined) words.push('--physdev-out', rule.outDev);
    words.push('--physdev-is-bridged');
  }
  words.push('-m', 'u32', '--u32', rule.protocol.kind === 'tcp-unidentified' ? DF_SET_UNIDENTIFIED : DF_SET);
  words.push(...lengthWords(rule));
  if (rule.sourceLocal || rule.destinationNotLocal) words.push('-m', 'addrtype');
  if (rule.sourceLocal) words.push('--src-type', 'LOCAL');
  if (rule.destinationNotLocal) words.push('!', '--dst-type', 'LOCAL');
  words.push('-m', 'comment', '--comment', tagOf(rule.name), '-j', 'NFQUEUE', ...queueWords(rule));
  return joinWords(words);
}

function lengthWords({ longerThan, protocol }: ResolvedRule): string[] {
  if (protocol.kind === 'tcp-at-most')
    return ['-m', 'length', '--length', `${(longerThan ?? -1) + 1}:${protocol.bytes}`];
  // Not N+1:65535: a BIG TCP GSO packet is longer than any upper bound that xt_length can hold.
  return longerThan === undefined ? [] : ['-m', 'length', '!', '--length', `0:${longerThan}`];
}

function protocolWords(protocol: ProtocolMatch): string[] {
  const udp = ['-p', 'udp'];
  switch (protocol.kind) {
    case 'any':
      return [];
    case 'gre':
    case 'esp':
      // A number, because iptables knows `gre` only where /etc/protocols is installed.
      return ['-p', String(PROTOCOL_NUMBERS[protocol.kind])];
    case 'tcp-unidentified':
    case 'tcp-at-most':
      return ['-p', 'tcp'];
    case 'not-tcp':
      return ['!', '-p', 'tcp'];
    case 'udp-port':
      return [...udp, '-m', 'multiport', '--ports', String(protocol.port)];
    case 'not-udp':
      return ['!', ...udp];
    case 'udp-other-port':
      // Not -m udp: iptables-nft 1.8.9 makes of `! --sport P ! --dport P` "not both", which queues QUIC.
      return [...udp, '-m', 'multiport', '!', '--ports', String(protocol.port)];
    case 'udp-later-fragment':
      return [...udp, '-f'];
  }
}

function queueWords({ queues: { first, last }, fanout, bypass }: ResolvedRule): string[] {
  const words = first === last ? ['--queue-num', String(first)] : ['--queue-balance', `${first}:${last}`];
  if (bypass) words.push('--queue-bypass');
  if (fanout === 'cpu') words.push('--queue-cpu-fanout');
  return words;
}

/**
 * Tables that iptables-nft says it cannot show, because native nft rules were added to them: what the text has
 * of them is nothing, and not what there is.
 */
export function hiddenTables(save: string): Set<string> {
  return new Set([...save.matchAll(/^# Table `(\S+)' is incompatible/gm)].map(([, name = '']) => name));
}

/** Every `-A` line of a save text, in order. */
export function savedRules(save: string): SavedRule[] {
  const rules: SavedRule[] = [];
  let table = '';
  for (const line of save.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    if (!line.startsWith('-A ')) continue;
    const words = splitWords(line);
    rules.push({ table, chain: words[1] ?? '', line, words });
  }
  return rules;
}

/** Whether a save text shows the mangle table at all. */
export function hasTable(save: string): boolean {
  return save.split('\n').some((line) => line.trim() === `*${TABLE}`);
}

/** The owned rules of a save text: of one instance, or of all. */
export function ownedRules(save: string, name?: string): OwnedRule[] {
  return savedRules(save).flatMap((rule) => {
    const owner = nameOfTag(valueOf(rule.words, '--comment') ?? '');
    const ours = rule.table === TABLE && owner !== undefined && valueOf(rule.words, '-j') === 'NFQUEUE';
    return ours && (name === undefined || owner === name) ? [{ ...rule, name: owner }] : [];
  });
}

/**
 * Rules of others that stand behind rules of an instance: no packet meets them that is queued. Other instances do not
 * count: a packet that one has cleared is none for the other.
 */
export function rulesBehind(save: string, name: string): SavedRule[] {
  const first = new Map<string, number>();
  const all = savedRules(save);
  const ours = new Set(ownedRules(save).map(({ line, table }) => `${table} ${line}`));
  const owned = new Set(ownedRules(save, name).map(({ line, table }) => `${table} ${line}`));
  return all.filter(({ table, chain, line }, at) => {
    const home = `${table} ${chain}`;
    if (owned.has(`${table} ${line}`) && !first.has(home)) first.set(home, at);
    return !ours.has(`${table} ${line}`) && (first.get(home) ?? at) < at;
  });
}

/**
 * The transaction that makes an instance's rules exactly these, and the last of their chains: every owned line present
 * goes, in whatever number of copies, and the new ones are appended. Undefined when they are already there.
 */
export function installText(save: string, name: string, rules: readonly ResolvedRule[]): string | undefined {
  const present = ownedRules(save, name);
  const wanted = rules.map(ruleLine);
  const same = byChain(present.map(({ words }) => words)) === byChain(wanted.map(splitWords));
  if (same && rulesBehind(save, name).length === 0) return undefined;
  return transaction([...present.map(deletion), ...wanted]);
}

/** Whose rules in a chain of its own are tried, and no base chain: one that goes at the end of the trial costs packets. */
const TRIAL_CHAIN = 'clear-df-trial';

/** A text to try whether the kernel takes the rules; for `--test` alone. */
export function trialText(rules: readonly ResolvedRule[]): string {
  const lines = rules.map((rule) => ruleLine(rule).replace(/^-A \S+/, `-A ${TRIAL_CHAIN}`));
  return transaction([`:${TRIAL_CHAIN} - [0:0]`, ...lines]);
}

/** Rules in one spelling, chain by chain: a save text has the chains in its own order, whoever came first. */
function byChain(rules: readonly string[][]): string {
  const chains = [...new Set(rules.map(([, chain = '']) => chain))].sort();
  return chains.flatMap((name) => rules.filter(([, chain]) => chain === name).map(canonical)).join('\n\n');
}

/** The transaction that removes exactly an instance's lines, or undefined when it has none. */
export function removeText(save: string, name: string): string | undefined {
  const present = ownedRules(save, name);
  return present.length === 0 ? undefined : transaction(present.map(deletion));
}

/** The transaction that gives an instance the owned lines of an earlier save text again. */
export function putBackText(save: string, before: string, name: string): string {
  return transaction([...ownedRules(save, name).map(deletion), ...ownedRules(before, name).map(({ line }) => line)]);
}

/** The transaction after which an instance's rules, as they are, are the last of their chains; undefined when they are. */
export function lastText(save: string, name: string): string | undefined {
  const present = ownedRules(save, name);
  if (rulesBehind(save, name).length === 0) return undefined;
  return transaction([...present.map(deletion), ...present.map(({ line }) => line)]);
}

function deletion({ line }: SavedRule): string {
  return line.replace(/^-A /, '-D ');
}

function transaction(lines: readonly string[]): string {
  return [`*${TABLE}`, ...lines, 'COMMIT', ''].join('\n');
}
