/** A table of our own is in nft. */
import { type Family, tableOf } from '../../rules/nft.js';
import type { Item } from '../item.js';

interface NftTableOptions {
  family: Family | 'inet';
  /** The instance's name. */
  name: string;
  /** Between the braces of `table … { }`. */
  lines: readonly string[];
  desired: string;
  reason: string;
}

export function nftTableItem({ family, name, lines, desired: wanted, reason }: NftTableOptions): Item {
  const table = tableOf(family, name);
  // Adding first makes the deletion succeed whether or not the table is there; all of it is one transaction.
  const input = [`add table ${table}`, `delete table ${table}`, `table ${table} {`, ...lines, '}', ''].join('\n');
  return {
    kind: 'nft-table',
    key: `nft-table ${table}`,
    desired: wanted,
    reason,
    status({ tables }) {
      if (tables === undefined) return { state: 'differs', observed: 'the rulesets of nft could not be read' };
      return tables.includes(table)
        ? { state: 'in-sync' }
        : { state: 'differs', observed: `there is no table ${table}` };
    },
    apply: () => [{ argv: ['nft', '-f', '-'], input }],
    undo: () => [{ argv: ['nft', 'delete', 'table', ...table.split(' ')], mayFail: true }],
  };
}
