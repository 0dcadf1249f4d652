/**
 * What INPUT does with the first packet of a tunnel that comes from the other end: chains are walked as the kernel walks
 * them, of iptables and of nft's own. A match that is not known here makes "depends", never a judgement.
 */
import { isInPrefix } from '../net/address.js';
import { PROTOCOL_NUMBERS } from '../net/protocol.js';
import { savedRules } from '../rules/iptables.js';
import { type Arrival, type Fit, fitOfMatches, type Verdict, verdictOf } from './input-nft.js';
import { type Machine, known } from './machine.js';
import { isAmong, nftListing, placeOf } from './nft-listing.js';

interface Step {
  fit: Fit;
  act: Verdict;
  words: string;
}

/** How a walk ends; `fall`: behind the last rule of a chain. */
interface End {
  end: 'accept' | 'drop' | 'fall' | 'depends';
  by: string;
}

type Chains = ReadonlyMap<string, readonly Step[]>;

const FALL: End = { end: 'fall', by: '' };
const DEPTH_MAX = 16;

interface Judgement {
  /** The base chain: `INPUT of iptables-nft`, `nft inet filter input`. */
  where: string;
  end: 'accept' | 'drop' | 'depends';
  /** The rule or policy that decides. */
  by: string;
}

/** One judgement for each base chain at the input hook that was read. */
export function judgeInput(machine: Pick<Machine, 'saves' | 'nftJson' | 'nftText'>, arrival: Arrival): Judgement[] {
  const found: Judgement[] = [];
  for (const [variant, save] of machine.saves) {
    const text = known(save);
    const policy = text === undefined ? undefined : policyOf(text);
    if (text === undefined || policy === undefined) continue;
    found.push(walkBase(`INPUT of ${variant}`, 'INPUT', savedChains(text, arrival), policy));
  }
  const listing = known(nftListing(machine as Machine));
  if (listing === undefined) return found;
  // A table that it calls incompatible is not in its text.
  const walked = policyOf(known(machine.saves.get('iptables-nft') ?? { unknown: '' }) ?? '') !== undefined;
  for (const chain of listing.chains) {
    const { family, table, name, hook, policy = 'accept' } = chain;
    // iptables-nft's own chain has been walked in its own words.
    const compat = family === 'ip' && table === 'filter' && name === 'INPUT' && walked;
    if (hook !== 'input' || compat || (family !== 'ip' && family !== 'inet')) continue;
    const chains = new Map<string, Step[]>();
    for (const rule of listing.rules) {
      if (rule.family !== family || rule.table !== table) continue;
      const words = rule.text ?? `handle ${rule.handle} of ${placeOf(rule)}`;
      const { act, known: read } = verdictOf(rule.parts);
      const fit = fitOfMatches(rule.parts, arrival);
      const step: Step = { fit: read || fit === 'no' ? fit : 'maybe', act, words };
      chains.set(rule.chain, [...(chains.get(rule.chain) ?? []), step]);
    }
    found.push(walkBase(`nft ${family} ${table} ${name}`, name, chains, policy));
  }
  return found;
}

/** A base chain: behind its last rule, the policy decides. */
function walkBase(where: string, chain: string, chains: Chains, policy: string): Judgement {
  const end = policy.toLowerCase() === 'drop' ? 'drop' : 'accept';
  const found = walk(chain, chains, { end, by: `the policy is ${policy}` });
  return { where, by: found.by, end: found.end === 'fall' ? end : found.end };
}

/** @param behind what follows the chain's last rule */
function walk(chain: string, chains: Chains, behind: End, depth = 0): End {
  // The kernel allows no loops; a listing from elsewhere may hold one.
  if (depth > DEPTH_MAX) return { end: 'depends', by: chain };
  const perhaps: End[] = [];
  const settle = (end: End): End => {
    const other = perhaps.find((one) => one.end !== end.end);
    return other === undefined ? end : { end: 'depends', by: other.by };
  };
  for (const { fit, act, words } of chains.get(chain) ?? []) {
    if (fit === 'no' || act.kind === 'next') continue;
    const inner = 'chain' in act ? walk(act.chain, chains, FALL, depth + 1) : undefined;
    if (inner?.end === 'fall' && act.kind === 'jump') continue;
    const falls = inner?.end === 'fall' || act.kind === 'return';
    const end = falls ? behind : (inner ?? { end: act.kind === 'accept' ? 'accept' : 'drop', by: words });
    if (fit === 'yes') return settle(end);
    perhaps.push({ ...end, by: words });
  }
  return settle(behind);
}

/** Undefined without a filter table. */
function policyOf(save: string): string | undefined {
  const [, filter = ''] = /^\*filter$([\s\S]*?)^COMMIT$/m.exec(save) ?? [];
  return /^:INPUT (\S+)/m.exec(filter)?.[1];
}

function savedChains(save: string, arrival: Arrival): Map<string, Step[]> {
  const chains = new Map<string, Step[]>();
  const filter = savedRules(save).filter(({ table }) => table === 'filter');
  const own = new Set([...save.matchAll(/^:(\S+) /gm)].map(([, name]) => name ?? ''));
  for (const { chain, line, words } of filter) {
    const step: Step = { ...readWords(words.slice(2), arrival, own), words: line };
    chains.set(chain, [...(chains.get(chain) ?? []), step]);
  }
  return chains;
}

/** Matches that say no more than their own options do. */
const PLAIN_MATCHES = new Set(['conntrack', 'state', 'comment', 'udp', 'tcp', 'gre', 'esp', 'multiport', 'icmp']);

function readWords(words: readonly string[], arrival: Arrival, own: ReadonlySet<string>): Omit<Step, 'words'> {
  let fit: Fit = 'yes';
  let act: Verdict = { kind: 'next' };
  for (let i = 0; i < words.length; i += 1) {
    const not = words[i] === '!';
    if (not) i += 1;
    const option = words[i] ?? '';
    const next = words.findIndex((word, j) => j > i && (word.startsWith('-') || word === '!'));
    const value = words[i + 1] ?? '';
    if (option === '-j' || option === '-g') {
      act = targetOf(option, value, own);
      // What stands behind are the target's own words.
      break;
    }
    const found = optionFits(option, value, arrival);
    if (found === 'no' ? !not : found === 'yes' && not) return { fit: 'no', act };
    if (found === 'maybe') fit = 'maybe';
    i = (next < 0 ? words.length : next) - 1;
  }
  return { fit, act };
}

function targetOf(option: string, name: string, own: ReadonlySet<string>): Verdict {
  if (name === 'ACCEPT') return { kind: 'accept' };
  if (name === 'DROP' || name === 'REJECT') return { kind: 'drop' };
  if (name === 'RETURN') return { kind: 'return' };
  return own.has(name) ? { kind: option === '-g' ? 'goto' : 'jump', chain: name } : { kind: 'next' };
}

function optionFits(option: string, value: string, arrival: Arrival): Fit {
  const { protocol, port = 0, source, destination, device } = arrival;
  const among = (fits: boolean): Fit => (fits ? 'yes' : 'no');
  switch (option) {
    case '-m':
      return PLAIN_MATCHES.has(value) ? 'yes' : 'maybe';
    case '--comment':
      return 'yes';
    case '-p':
      return among(['all', '0', protocol, String(PROTOCOL_NUMBERS[protocol])].includes(value));
    case '-s':
    case '-d':
      return among(isInPrefix(option === '-s' ? source : destination, value));
    case '-i':
      return among(isAmong(device, [value]));
    case '--ctstate':
    case '--state':
      return among(value.split(',').includes('NEW'));
    case '--dport':
    case '--dports':
      return among(value.split(',').some((range) => isInRange(port, range)));
    default:
      return 'maybe';
  }
}

function isInRange(port: number, range: string): boolean {
  const [first = 0, last = first] = range.split(':').map(Number);
  return port >= first && port <= last;
}
