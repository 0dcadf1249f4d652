/** Routes beside those of the main IPv4 table: other tables, and IPv6. */
import type { TableRoute } from '../../tunnel/facts.js';
import type { Runner } from '../exec.js';
import { listing, parseRoutes } from './routes.js';

/** Addresses of this machine and of its broadcasts: the kernel's own. */
const LOCAL = 'local';

/** Every route but those of IPv4's main table and of the tables `local`. */
export async function readTableRoutes(runner: Runner): Promise<TableRoute[]> {
  const [four, six] = await Promise.all(
    (['-4', '-6'] as const).map((family) => listing(runner, [family, 'route', 'show', 'table', 'all'])),
  );
  return [...parseTableRoutes(four ?? '', 4), ...parseTableRoutes(six ?? '', 6)];
}

/** Types of routes that lead to no device, as a listing names them before the destination. */
const NOWHERE = ['unreachable', 'blackhole', 'prohibit'];

/** What `ip -o route show table all` printed: the main table's routes have no word `table`. */
export function parseTableRoutes(text: string, family: 4 | 6): TableRoute[] {
  return text.split('\n').flatMap((line) => {
    const type = NOWHERE.find((word) => line.startsWith(`${word} `));
    const [route] = type === undefined ? parseRoutes(line) : nowhere(line.slice(type.length));
    if (route === undefined) return [];
    const { destination, via, dev, words } = route;
    const at = words.indexOf('table');
    const table = at < 0 ? 'main' : (words[at + 1] ?? '');
    if (table === LOCAL || (family === 4 && table === 'main')) return [];
    const others = words.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
    return [{ family, table, destination, via, dev, ...(type === undefined ? {} : { type }), words: others }];
  });
}

function nowhere(line: string): Pick<TableRoute, 'destination' | 'via' | 'dev' | 'words'>[] {
  const [destination, ...words] = line.split(/[\s\\]+/).filter(Boolean);
  return destination === undefined ? [] : [{ destination, via: undefined, dev: '', words }];
}
