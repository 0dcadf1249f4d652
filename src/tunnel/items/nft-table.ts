/** A table of our own is in nft. */
import { sha256 } from '../../net/sha256.js';
import { tableLine } from '../../rules/nft-json.js';
import { type Family, tableOf } from '../../rules/nft.js';
import type { Item } from '../item.js';

interface NftTableOptions {
  family: Family | 'inet';
  /** The instance's name. */
  name: string;
  chains: readonly Chain[];
  desired: string;
  reason: string;
}

export interface Chain {
  name: string;
  /** As `type filter hook output priority 0; policy accept;`. */
  base: string;
  rules: readonly string[];
}

export function nftTableItem({ family, name, chains, desired: wanted, reason }: NftTableOptions): Item {
  const table = tableOf(family, name);
  const text = chains.flatMap((chain) => [
    `  chain ${chain.name} {`,
    `    ${chain.base}`,
    ...chain.rules.map((rule) => `    ${rule}`),
    '  }',
  ]);
  // nft prints rules in words of its own. An empty chain's name says which text they were made from.
  const seal = `made_from_${sha256(text.join('\n')).slice(0, 12)}`;
  // Adding first makes the deletion succeed whether or not the table is there; all of it is one transaction.
  const lines = [
    `add table ${table}`,
    `delete table ${table}`,
    `table ${table} {`,
    ...text,
    `  chain ${seal} { }`,
    '}',
  ];
  const counts = new Map([...chains.map((chain) => [chain.name, chain.rules.length] as const), [seal, 0] as const]);
  return {
    kind: 'nft-table',
    key: `nft-table ${table}`,
    desired: wanted,
    reason,
    status({ tables }) {
      if (tables === undefined) return { state: 'differs', observed: 'the rulesets of nft could not be read' };
      if (tables.includes(tableLine(table, counts))) return { state: 'in-sync' };
      const found = tables.some((line) => line.startsWith(`${table}: `));
      return { state: 'differs', observed: found ? `table ${table} has other rules` : `there is no table ${table}` };
    },
    apply: () => [{ argv: ['nft', '-f', '-'], input: `${lines.join('\n')}\n` }],
    undo: () => [{ argv: ['nft', 'delete', 'table', ...table.split(' ')], mayFail: true }],
  };
}
