/**
 * Rules as `nft -f` text: one table of our own per instance, replaced whole in one transaction.
 * The forms are those that nft 0.9.8 to 1.1 all read (`queue num N-M bypass,fanout`, not `queue flags`).
 */
import { PROTOCOL_NUMBERS } from '../net/protocol.js';
import { DF_MASK, type ProtocolMatch, type ResolvedRule, nameOfTag, tagOf } from './resolve.js';
import { type Hook } from './spec.js';

export type Family = 'ip' | 'bridge';
export const FAMILIES: readonly Family[] = ['ip', 'bridge'];

/** Netfilter's NF_IP_PRI_MANGLE; the bridge family has no name for it. */
const PRIORITY = -150;
const TABLE_PREFIX = 'clear_df_';

const CHAINS: Record<Hook, string> = {
  output: 'output',
  prerouting: 'prerouting',
  postrouting: 'postrouting',
  bridge: 'forward',
};

const UDP = `ip protocol ${PROTOCOL_NUMBERS.udp}`;

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
export function ruleLines(rule: ResolvedRule): string[] {
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
  after.push('counter', queueStatement(rule), comment);
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
    case 'udp-port':
      // The second line leaves out what the first took, so that no packet is queued twice.
      return [
        [UDP, `udp sport ${protocol.port}`],
        [UDP, `udp sport != ${protocol.port}`, `udp dport ${protocol.port}`],
      ];
    case 'not-udp':
      return [[`ip protocol != ${PROTOCOL_NUMBERS.udp}`]];
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

/** The text with every packet accepted that it would queue: shows whether a refusal was about the queue. */
export function withoutQueue(text: string): string {
  return text.replace(/ queue num \S+(?: (?:bypass,fanout|bypass|fanout))?/g, ' accept');
}

/**
 * The transaction that makes an instance's tables exactly these rules.
 * @param present families in which the instance has a table now
 */
export function installText(name: string, rules: readonly ResolvedRule[], present: readonly Family[] = []): string {
  const hooks = [...new Set(rules.map(({ hook }) => hook))];
  const families = new Set(hooks.map(familyOf));
  const stale = present
    .filter((family) => !families.has(family))
    .map((family) => `delete table ${tableOf(family, name)}`);
  const tables = [...families].flatMap((family) => [
    // Adding first makes the deletion succeed whether or not the table is there.
    `add table ${tableOf(family, name)}`,
    `delete table ${tableOf(family, name)}`,
    `table ${tableOf(family, name)} {`,
    ...hooks.filter((hook) => familyOf(hook) === family).flatMap((hook) => chain(hook, rules)),
    '}',
  ]);
  return [...stale, ...tables, ''].join('\n');
}

/** A packet that an exception takes out of the chain meets no later rule: rules that have some come last. */
function lastExceptions(rules: readonly ResolvedRule[]): ResolvedRule[] {
  const excepting = ({ protocol }: ResolvedRule): boolean => exceptions(protocol).length > 0;
  return [...rules.filter((rule) => !excepting(rule)), ...rules.filter(excepting)];
}

function chain(hook: Hook, rules: readonly ResolvedRule[]): string[] {
  const own = lastExceptions(rules.filter((rule) => rule.hook === hook));
  return [
    `  chain ${CHAINS[hook]} {`,
    `    type filter hook ${CHAINS[hook]} priority ${PRIORITY}; policy accept;`,
    ...own.flatMap(ruleLines).map((line) => `    ${line}`),
    '  }',
  ];
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
