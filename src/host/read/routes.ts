/** Routes and rules of the routing policy, as listings show them. */
import * as z from 'zod';
import type { PolicyRule, Route, TableRoute } from '../../tunnel/facts.js';
import { isAbsent, type Runner } from '../exec.js';
import { readJson } from './json.js';

/** Words of a listing that tell how a route fares; `ip route add` does not take them. */
const STATES = new Set(['linkdown', 'dead', 'pervasive', 'offload', 'rt_offload', 'offload_failed', 'trap', 'rt_trap']);

/** Kinds of routes that a listing names before the destination. */
const TYPES = new Set(['unicast', 'local', 'broadcast', 'multicast', 'anycast', 'throw', 'nat']);

/** What `ip -o` lists; nothing where the kernel has no such thing, as IPv6 that is off. */
async function listing(runner: Runner, args: readonly string[]): Promise<string> {
  return runner.query('ip', ['-o', ...args]).catch((error: unknown) => {
    if (isAbsent(error)) return '';
    throw error;
  });
}

/** What `ip -o -4 route show` printed; routes without a device (blackhole, unreachable) are left out. */
export function parseRoutes(text: string): Route[] {
  return text.split('\n').flatMap((line) => {
    const all = line.split(/[\s\\]+/).filter((word) => word !== '' && !STATES.has(word));
    if (all[0] !== undefined && TYPES.has(all[0])) all.shift();
    const [destination, ...words] = withoutPair(all, 'nhid');
    const dev = after(words, 'dev');
    if (destination === undefined || dev === undefined) return [];
    const via = after(words, 'via');
    return [
      {
        destination,
        via: via === 'inet6' ? after(words, 'inet6') : via,
        dev,
        protocol: protocolOf(words),
        words,
      },
    ];
  });
}

function protocolOf(words: readonly string[]): string {
  return after(words, 'proto') ?? 'boot';
}

function after(words: readonly string[], name: string): string | undefined {
  const at = words.indexOf(name);
  return at < 0 ? undefined : words[at + 1];
}

/** A route by a nexthop object is listed with the object's number and with what it says: only the latter is kept. */
function withoutPair(words: readonly string[], name: string): string[] {
  const at = words.indexOf(name);
  return words.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
}

/** Addresses of this machine and of its broadcasts: the kernel's own. */
const LOCAL = 'local';

/** Routes of both families, as one listing of each shows them. */
interface Routes {
  /** The IPv4 routes of the main table that lead to a device. */
  routes: Route[];
  /** Every route but those of IPv4's main table and of the tables `local`. */
  tableRoutes: TableRoute[];
  /** Devices that an IPv6 default route of the main table leads to; none where IPv6 is off. */
  defaults6: string[];
}

export async function readRoutes(runner: Runner): Promise<Routes> {
  // As text and not as JSON: these are the words that `ip route add` takes again.
  const [four = '', six = ''] = await Promise.all(
    (['-4', '-6'] as const).map((family) => listing(runner, [family, 'route', 'show', 'table', 'all'])),
  );
  const ofFour = parseListing(four);
  const ofSix = tableRoutes(parseListing(six), 6);
  return {
    routes: ofFour.flatMap(({ type, route }) => (type === undefined && !route.words.includes('table') ? [route] : [])),
    tableRoutes: [...tableRoutes(ofFour, 4), ...ofSix],
    defaults6: ofSix
      .filter(({ table, destination }) => table === 'main' && destination === 'default')
      .flatMap(({ words }) => words.filter((_, at) => words[at - 1] === 'dev')),
  };
}

/** Types of routes that lead to no device, as a listing names them before the destination. */
const NOWHERE = ['unreachable', 'blackhole', 'prohibit'];

/** A line of a listing. */
interface Listed {
  /** Of {@link NOWHERE}. */
  type: string | undefined;
  route: Route;
}

function parseListing(text: string): Listed[] {
  return text.split('\n').flatMap((line) => {
    const type = NOWHERE.find((word) => line.startsWith(`${word} `));
    const routes = type === undefined ? parseRoutes(line) : nowhere(line.slice(type.length));
    return routes.map((route) => ({ type, route }));
  });
}

/** What `ip -o route show table all` printed: the main table's routes have no word `table`. */
export function parseTableRoutes(text: string, family: 4 | 6): TableRoute[] {
  return tableRoutes(parseListing(text), family);
}

function tableRoutes(listed: readonly Listed[], family: 4 | 6): TableRoute[] {
  return listed.flatMap(({ type, route: { destination, via, dev, words } }) => {
    const at = words.indexOf('table');
    const table = at < 0 ? 'main' : (words[at + 1] ?? '');
    if (table === LOCAL || (family === 4 && table === 'main')) return [];
    const others = words.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
    return [{ family, table, destination, via, dev, ...(type === undefined ? {} : { type }), words: others }];
  });
}

function nowhere(line: string): Route[] {
  const [destination, ...words] = line.split(/[\s\\]+/).filter(Boolean);
  return destination === undefined
    ? []
    : [{ destination, via: undefined, dev: '', protocol: protocolOf(words), words }];
}

/** The rules of the routing policy, in order of preference, IPv4 before IPv6. */
export async function readRules(runner: Runner): Promise<PolicyRule[]> {
  const [four, six] = await Promise.all((['-4', '-6'] as const).map((one) => listing(runner, [one, 'rule', 'show'])));
  return [...parseRules(four ?? '', 4), ...parseRules(six ?? '', 6)];
}

/** What `ip rule show` printed: `100: not from all fwmark 0x66/0x66 lookup 50`. */
export function parseRules(text: string, family: 4 | 6): PolicyRule[] {
  return text.split('\n').flatMap((line) => {
    const [, preference, words = ''] = /^(\d+):\s+(.*)$/.exec(line.trim()) ?? [];
    if (preference === undefined) return [];
    return [{ family, preference: Number(preference), words: words.split(/\s+/).filter(Boolean) }];
  });
}

const TUNSRC = ['-j', 'sr', 'tunsrc', 'show'];
const sources = z.array(z.object({ tunsrc: z.string() }));

/** The source of packets with segments: `::` where none is set; undefined where the kernel knows no segments. */
export async function readTunsrc(runner: Runner): Promise<string | undefined> {
  try {
    return readJson(sources, await runner.query('ip', TUNSRC), `ip ${TUNSRC.join(' ')}`)[0]?.tunsrc;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}
