/** IPv4 routes, and the path to the other end of the tunnel, IPv4 or IPv6. */
import * as z from 'zod';
import { ClearDfError } from '../../errors.js';
import type { Facts, Link, Route } from '../../tunnel/facts.js';
import { isAbsent, type Runner } from '../exec.js';
import { readJson } from './json.js';

/** Words of a listing that tell how a route fares; `ip route add` does not take them. */
const STATES = new Set(['linkdown', 'dead', 'pervasive', 'offload', 'rt_offload', 'offload_failed', 'trap', 'rt_trap']);

/** Kinds of routes that a listing names before the destination. */
const TYPES = new Set(['unicast', 'local', 'broadcast', 'multicast', 'anycast', 'throw', 'nat']);

/** The IPv4 routes of the main table that lead to a device. */
export async function readRoutes(runner: Runner): Promise<Route[]> {
  // As text and not as JSON: these are the words that `ip route add` takes again.
  return parseRoutes(await runner.query('ip', ['-o', '-4', 'route', 'show', 'table', 'main']));
}

/** Devices that an IPv6 default route leads to; none where IPv6 is off. */
export async function readDefaults6(runner: Runner): Promise<string[]> {
  const text = await listing(runner, ['-6', 'route', 'show', 'default']);
  return [...text.matchAll(/\bdev (\S+)/g)].map(([, dev = '']) => dev);
}

/** What `ip -o` lists; nothing where the kernel has no such thing, as IPv6 that is off. */
export async function listing(runner: Runner, args: readonly string[]): Promise<string> {
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
        protocol: after(words, 'proto') ?? 'boot',
        words,
      },
    ];
  });
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

const found = z.array(
  z.object({
    dst: z.string().optional(),
    table: z.union([z.string(), z.number()]).optional(),
    dev: z.string().optional(),
    gateway: z.string().optional(),
    via: z.object({ host: z.string() }).optional(),
    prefsrc: z.string().optional(),
    nexthops: z.array(z.object({ dev: z.string().optional() })).optional(),
    metrics: z.array(z.looseObject({ mtu: z.number().optional() })).optional(),
    expires: z.number().optional(),
  }),
);

/**
 * The path to an address, with the MTU that the route or else its device has; what path MTU discovery has learnt does
 * not count, because it goes again.
 * @returns undefined when there is no way
 */
export async function readPath(
  runner: Runner,
  remote: string,
  links: readonly Link[],
  local?: string,
): Promise<Facts['path']> {
  // A router with two uplinks may choose by the source address, and the tunnel has one. The kernel looks up nothing
  // from an address that is not its own.
  const sourced = local === undefined ? undefined : await lookUp(runner, wayTo(remote, local));
  const way = sourced ?? (await lookUp(runner, wayTo(remote)));
  if (way?.dev === undefined) return undefined;
  const device = links.find(({ name }) => name === way.dev)?.mtu;
  if (device === undefined) return undefined;
  const metric = await routeMtu(runner, remote, sourced && local, way);
  const via = way.gateway ?? way.via?.host;
  const source = sourced === undefined ? way.prefsrc : local;
  return { dev: way.dev, mtu: Math.min(metric ?? device, device), source, via };
}

/** The route of a table that leads to an IPv4 address; undefined when there is none by a device. */
export async function readCovering(runner: Runner, remote: string, local: string): Promise<Facts['covering']> {
  const route = await lookUp(runner, wayTo(remote, local, ['fibmatch']));
  if (route?.dev === undefined || route.dst === undefined) return undefined;
  const [, length = '32'] = route.dst === 'default' ? ['', '0'] : route.dst.split('/');
  return { dev: route.dev, table: String(route.table ?? 'main'), length: Number(length) };
}

function wayTo(remote: string, local?: string, words: readonly string[] = []): string[] {
  return [
    '-j',
    remote.includes(':') ? '-6' : '-4',
    'route',
    'get',
    ...words,
    remote,
    ...(local === undefined ? [] : ['from', local]),
  ];
}

type Way = z.infer<typeof found>[number];

async function routeMtu(
  runner: Runner,
  remote: string,
  local: string | undefined,
  way: Way,
): Promise<number | undefined> {
  const ofWay = mtuOf(way);
  if (ofWay === undefined || way.expires === undefined) return ofWay;
  // An exception of path MTU discovery hides the metric of the route below it.
  return mtuOf(await lookUp(runner, wayTo(remote, local, ['fibmatch'])));
}

function mtuOf(way: Way | undefined): number | undefined {
  return way?.metrics?.find(({ mtu }) => mtu !== undefined)?.mtu;
}

/** As iproute2 passes on what the kernel refuses. */
const KERNEL_SAYS = /^(RTNETLINK answers|Error): /;

async function lookUp(runner: Runner, args: string[]): Promise<Way | undefined> {
  try {
    const [way] = readJson(found, await runner.query('ip', args), `ip ${args.join(' ')}`);
    return way;
  } catch (error) {
    // The kernel's own answer, that there is none; whatever else failed is no answer.
    if (error instanceof ClearDfError && KERNEL_SAYS.test(error.reason)) return undefined;
    throw error;
  }
}
