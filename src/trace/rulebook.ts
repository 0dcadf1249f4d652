/** Which chain hangs where, and what stands in it: by what a trace's chains and rules get their places and words. */
import { ClearDfError } from '../errors.js';
import { savedRules } from '../rules/iptables.js';
import { readNftJson } from '../rules/nft-json.js';
import { valueOf } from '../rules/save-format.js';
import { HOOKS, type Hook } from './nft-marks.js';
import { queueOf, type TracedRule } from './chain-visit.js';

/** Where a base chain hangs. */
interface Place {
  hook: Hook;
  priority: number;
}

/** A rule of iptables-legacy, with what it does. */
type LegacyRule = TracedRule & { target: string | undefined };

interface Texts {
  /** `nft -j list ruleset`; empty without nft. */
  nftJson: string;
  /** `iptables-nft-save`: the words of rules that nft shows as `xt match`. */
  nftSave: string;
  /** `iptables-legacy-save`. */
  legacySave: string;
}

function readListing(json: string): ReturnType<typeof readNftJson> {
  if (json === '') return [];
  try {
    return readNftJson(json);
  } catch (cause) {
    throw new ClearDfError({
      code: 'ENVIRONMENT',
      operation: 'read',
      object: 'nft -j list ruleset',
      reason: 'it printed something else than the JSON of libnftables-json(5)',
      cause,
    });
  }
}

export class Rulebook {
  readonly #chains = new Map<string, Place>();
  readonly #numbers = new Map<string, { number: number; comment: string | undefined; xt: boolean }>();
  readonly #nftSave: ReadonlyMap<string, readonly string[]>;
  readonly #legacySave: ReadonlyMap<string, readonly string[]>;
  readonly #legacyPolicies: ReadonlyMap<string, string>;

  /** @throws ClearDfError ENVIRONMENT when the JSON is none of nft's */
  constructor({ nftJson, nftSave, legacySave }: Texts) {
    const counts = new Map<string, number>();
    for (const { chain, rule } of readListing(nftJson)) {
      const hook = HOOKS.find((name) => name === chain?.hook);
      if (chain !== undefined && hook !== undefined)
        this.#chains.set(key(chain.family, chain.table, chain.name), { hook, priority: chain.prio ?? 0 });
      if (rule === undefined) continue;
      const at = key(rule.family, rule.table, rule.chain);
      const number = (counts.get(at) ?? 0) + 1;
      counts.set(at, number);
      const xt = rule.expr.some((part) => 'xt' in part);
      this.#numbers.set(`${at} ${rule.handle}`, { number, comment: rule.comment, xt });
    }
    this.#nftSave = linesOf(nftSave);
    this.#legacySave = linesOf(legacySave);
    this.#legacyPolicies = policiesOf(legacySave);
  }

  /** Where a chain of nft hangs; undefined for one that is only jumped to. */
  placeOf(family: string, table: string, chain: string): Place | undefined {
    return this.#chains.get(key(family, table, chain));
  }

  /** A rule that nft named by its handle; `text` is what it printed. */
  nftRule(family: string, table: string, chain: string, handle: number | undefined, text: string): TracedRule {
    const known = this.#numbers.get(`${key(family, table, chain)} ${handle}`);
    const saved = family === 'ip' ? this.#nftSave.get(`${table} ${chain}`)?.[(known?.number ?? 0) - 1] : undefined;
    // What iptables-nft made reads as it was written; nft shows the matches' names only.
    const words = saved !== undefined && (known?.xt === true || /\bxt (match|target)\b/.test(text)) ? saved : text;
    const comment = known?.comment ?? commentOf(words);
    return { chain, number: known?.number, text: words, comment, queue: queueOf(words) ?? queueOf(text) };
  }

  /** Rule `number`, counted from 1, of a chain of iptables-legacy. */
  legacyRule(table: string, chain: string, number: number): LegacyRule {
    const text = this.#legacySave.get(`${table} ${chain}`)?.[number - 1] ?? '';
    const target = / (?:-j|-g) (\S+)/.exec(text)?.[1];
    return { chain, number, text, comment: commentOf(text), queue: queueOf(text), target };
  }

  /** `accept` or `drop`: what a built-in chain of iptables-legacy does with what no rule takes. */
  legacyPolicy(table: string, chain: string): string | undefined {
    return this.#legacyPolicies.get(`${table} ${chain}`)?.toLowerCase();
  }
}

/** Lines such as `:FORWARD ACCEPT [0:0]`. */
function policiesOf(save: string): Map<string, string> {
  const policies = new Map<string, string>();
  let table = '';
  for (const line of save.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    const [, chain, policy] = /^:(\S+) ([A-Z]+) /.exec(line) ?? [];
    if (chain !== undefined && policy !== undefined) policies.set(`${table} ${chain}`, policy);
  }
  return policies;
}

function key(family: string, table: string, chain: string): string {
  return `${family} ${table} ${chain}`;
}

function linesOf(save: string): Map<string, string[]> {
  const chains = new Map<string, string[]>();
  for (const { table, chain, line } of savedRules(save)) {
    const at = `${table} ${chain}`;
    chains.set(at, [...(chains.get(at) ?? []), line]);
  }
  return chains;
}

function commentOf(text: string): string | undefined {
  return /\bcomment "([^"]*)"/.exec(text)?.[1] ?? valueOf(text.split(' '), '--comment')?.replace(/"/g, '');
}
