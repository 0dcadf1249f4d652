/** There is a route in one routing table, with the words that it was given. */
import type { TableRoute } from '../facts.js';
import type { Item } from '../item.js';

export interface TableRouteOptions {
  family: 4 | 6;
  /** Number, or `main` for IPv6. */
  table: string;
  /** One host. */
  destination: string;
  /** As `ip route add` takes them: `encap seg6 mode encap segs fc00::1 dev eth1`. */
  words: readonly string[];
  /** Of what `ip route show` prints of it: each of these has to be there, word for word. */
  shown: readonly string[];
  desired: string;
  reason: string;
}

export function tableRouteItem(options: TableRouteOptions): Item {
  const { family, table, destination, words, shown, desired: wanted, reason } = options;
  const at = [`${destination}/${family === 4 ? 32 : 128}`, ...(table === 'main' ? [] : ['table', table])];
  const ip = ['ip', ...(family === 6 ? ['-6'] : []), 'route'];
  return {
    kind: 'table-route',
    key: `route ${destination} table ${table}`,
    desired: wanted,
    reason,
    status({ tableRoutes }) {
      const found = tableRoutes.find(
        (one) => one.family === family && one.table === table && one.destination === destination,
      );
      if (found === undefined) return { state: 'differs', observed: 'there is no such route' };
      if (holds(found, shown)) return { state: 'in-sync' };
      const [command, ...rest] = [...ip, 'delete', ...at];
      return {
        state: 'conflict',
        observed: `table ${table} has: ${destination} ${found.words.join(' ')}`,
        hint: `see whose it is, or: ${command} ${rest.join(' ')}`,
      };
    },
    apply: () => [{ argv: [...ip, 'add', ...at, ...words] }],
    // Routes of a VRF's table outlive the VRF where they lead to other devices.
    undo: () => [{ argv: [...ip, 'delete', ...at], mayFail: true }],
  };
}

function holds({ words }: TableRoute, wanted: readonly string[]): boolean {
  const text = ` ${words.join(' ')} `;
  return wanted.every((phrase) => text.includes(` ${phrase} `));
}
