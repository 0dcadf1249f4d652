/** What `nft -j list ruleset` says about who owns which table. */
import { nameOfTag } from './resolve.js';
import { readNftJson } from './nft-json.js';
import { FAMILIES, type Family, isEarlyAlone, nameOfTable } from './nft.js';

/** One table and the comments of its rules. */
export interface Table {
  family: string;
  name: string;
  chains: { name: string; base: boolean; hook: string | undefined; policy: string | undefined }[];
  rules: { chain: string; comment: string | undefined }[];
  /** Sets and maps in it. */
  sets: number;
  /** Whether it may turn a packet in transit into one for this host: NAT at prerouting, or tproxy. */
  redirects: boolean;
}

/** A table that belongs to an instance. */
export interface OwnedTable extends Table {
  family: Family;
  instance: string;
  /** Rules in it that do not carry the instance's tag: someone else wrote into it. */
  strangers: number;
  /** It only takes packets early for rules that stand in iptables. */
  early: boolean;
}

/** The tables that iptables-nft, ip6tables-nft, arptables-nft and ebtables-nft keep. */
const COMPAT_TABLES = new Set(['filter', 'nat', 'mangle', 'raw', 'security', 'broute']);

/** @throws SyntaxError or ZodError when the text is no such listing */
export function readRuleset(json: string): Table[] {
  const nftables = readNftJson(json);
  const tables = new Map<string, Table>();
  for (const { table } of nftables) {
    if (table)
      tables.set(`${table.family} ${table.name}`, { ...table, chains: [], rules: [], sets: 0, redirects: false });
  }
  for (const { chain, rule, set, map } of nftables) {
    const { family, table } = chain ?? rule ?? set ?? map ?? {};
    const owner = tables.get(`${family} ${table}`);
    if (!owner) continue;
    if (chain) {
      owner.chains.push({
        name: chain.name,
        base: chain.hook !== undefined,
        hook: chain.hook,
        policy: chain.policy,
      });
      owner.redirects ||= chain.type === 'nat' && chain.hook === 'prerouting';
    } else if (rule) {
      owner.rules.push({ chain: rule.chain, comment: rule.comment });
      owner.redirects ||= rule.expr.some((part) => 'tproxy' in part);
    } else {
      owner.sets += 1;
    }
  }
  return [...tables.values()];
}

/** The tables of one instance, or of all. */
export function ownedTables(tables: readonly Table[], name?: string): OwnedTable[] {
  return tables.flatMap((table) => {
    const instance = nameOfTable(table.name);
    const family = FAMILIES.find((known) => known === table.family);
    if (instance === undefined || family === undefined || (name !== undefined && instance !== name)) return [];
    const strangers = table.rules.filter(({ comment }) => nameOfTag(comment ?? '') !== instance).length;
    const early = isEarlyAlone(table.chains.filter(({ base }) => base).map(({ name }) => name));
    return [{ ...table, family, instance, strangers, early }];
  });
}

/** How many rules other people keep in native nft tables. */
export function foreignRules(tables: readonly Table[]): number {
  return tables
    .filter(({ name }) => nameOfTable(name) === undefined && !COMPAT_TABLES.has(name))
    .reduce((sum, { rules }) => sum + rules.length, 0);
}

/**
 * Whether a table that iptables does not show may turn a packet in transit into one for this host.
 * @param hidden tables of iptables-nft that it says it cannot show
 */
export function redirectsNatively(tables: readonly Table[], hidden: ReadonlySet<string>): boolean {
  return tables.some((table) => table.redirects && !isShown(table, hidden));
}

/** Chains that drop what no rule of theirs accepts in FORWARD, as `ip filter FORWARD`, and that iptables does not show. */
export function droppingForward(tables: readonly Table[], hidden: ReadonlySet<string>): string[] {
  return tables
    .filter((table) => (table.family === 'ip' || table.family === 'inet') && !isShown(table, hidden))
    .flatMap(({ family, name, chains }) =>
      chains
        .filter(({ hook, policy }) => hook === 'forward' && policy === 'drop')
        .map((chain) => `${family} ${name} ${chain.name}`),
    );
}

function isShown({ family, name }: Table, hidden: ReadonlySet<string>): boolean {
  return family === 'ip' && COMPAT_TABLES.has(name) && !hidden.has(name);
}

/** Whether a table is only what iptables-nft leaves behind: base chains that accept, and nothing in them. */
export function isHollow({ chains, rules, sets }: Table): boolean {
  return rules.length === 0 && sets === 0 && chains.every(({ base, policy }) => base && policy === 'accept');
}
