/** Tables of nft that items of a plan make, as facts and as nft lists them. */
import { tableLine } from '../../src/rules/nft-json.js';
import type { Facts } from '../../src/tunnel/facts.js';
import type { Item } from '../../src/tunnel/item.js';

/**
 * What nft has after a text of `nft -f -`, in the words of the facts.
 * @param input as items of kind `nft-table` have it: each chain with a rule on each line behind its first
 */
export function loadedTable(input: string): string {
  const table = /^table (\S+ \S+) \{$/m.exec(input)?.[1] ?? '';
  const chains = Array.from(input.matchAll(/^ {2}chain (\S+) \{([^}]*(?:\{[^}]*\}[^}]*)*)\}$/gm), ([, name, body]) => {
    const rules = (body ?? '').split('\n').filter((line) => line.trim() !== '' && !/^ *type /.test(line));
    return [name ?? '', rules.length] as const;
  });
  return tableLine(table, new Map(chains));
}

/** The tables that these items make. */
export function tablesOf(items: readonly Item[], facts: Facts): string[] {
  const made = items.filter(({ kind }) => kind === 'nft-table');
  return made.map((item) => loadedTable(item.apply(facts)[0]?.input ?? ''));
}

/** What `nft -j list table` prints of such a table. */
export function tableJson(line: string): string {
  const [place = '', contents = ''] = line.split(': ');
  const [family, table] = place.split(' ');
  const chains = contents.split(', ').map((text) => text.split(' ') as [name: string, rules: string]);
  return JSON.stringify({
    nftables: [
      { metainfo: { json_schema_version: 1 } },
      { table: { family, name: table } },
      ...chains.map(([name]) => ({ chain: { family, table, name } })),
      ...chains.flatMap(([chain, rules]) =>
        Array.from({ length: Number(rules) }, () => ({ rule: { family, table, chain, expr: [] } })),
      ),
    ],
  });
}
