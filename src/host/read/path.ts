/** Where packets to an address go, and with which MTU. */
import * as z from 'zod';
import type { LearntRoute } from '../../doctor/machine.js';
import { ClearDfError } from '../../errors.js';
import type { Facts, Link } from '../../tunnel/facts.js';
import type { Runner } from '../exec.js';
import { readJson, readList } from './json.js';
import { findDevice } from './links.js';

/** One route, as `ip -j route get` and `ip -j route show` print it. */
const listedRoute = z.object({
  dst: z.string().optional(),
  table: z.union([z.string(), z.number()]).optional(),
  dev: z.string().optional(),
  gateway: z.string().optional(),
  via: z.object({ host: z.string() }).optional(),
  prefsrc: z.string().optional(),
  nexthops: z.array(z.object({ dev: z.string().optional() })).default([]),
  metrics: z.array(z.object({ mtu: z.number().optional() })).default([]),
  expires: z.number().optional(),
});
type ListedRoute = z.output<typeof listedRoute>;

/**
 * The path to an address, with the MTU that the route or else its device has; what path MTU discovery has learnt does
 * not count, because it goes again.
 * @returns undefined when there is none
 */
export async function readPath(
  runner: Runner,
  remote: string,
  links: readonly Link[],
  local?: string,
): Promise<Facts['path']> {
  // A router with two uplinks may choose by the source address, and the tunnel has one. The kernel looks up nothing
  // from an address that is not its own.
  const sourced = local === undefined ? undefined : await lookUp(runner, getArgs(remote, local));
  const route = sourced ?? (await lookUp(runner, getArgs(remote)));
  if (route?.dev === undefined) return undefined;
  const device = links.find(({ name }) => name === route.dev)?.mtu;
  if (device === undefined) return undefined;
  const metric = await routeMtu(runner, remote, sourced && local, route);
  const via = route.gateway ?? route.via?.host;
  const source = sourced === undefined ? route.prefsrc : local;
  return { dev: route.dev, mtu: Math.min(metric ?? device, device), source, via };
}

/** The route of a table that leads to an IPv4 address; undefined when there is none by a device. */
export async function readCovering(runner: Runner, remote: string, local: string): Promise<Facts['covering']> {
  const route = await lookUp(runner, getArgs(remote, local, ['fibmatch']));
  if (route?.dev === undefined || route.dst === undefined) return undefined;
  const [, length = '32'] = route.dst === 'default' ? ['', '0'] : route.dst.split('/');
  return { dev: route.dev, table: String(route.table ?? 'main'), length: Number(length) };
}

/** The address that the kernel would send from to another one; undefined when no route leads there. */
export async function sourceTowards(runner: Runner, remote: string): Promise<string | undefined> {
  return (await lookUp(runner, getArgs(remote)))?.prefsrc;
}

function getArgs(remote: string, local?: string, words: readonly string[] = []): string[] {
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

async function routeMtu(
  runner: Runner,
  remote: string,
  local: string | undefined,
  route: ListedRoute,
): Promise<number | undefined> {
  const own = mtuOf(route);
  if (own === undefined || route.expires === undefined) return own;
  // An exception of path MTU discovery hides the metric of the route below it.
  return mtuOf(await lookUp(runner, getArgs(remote, local, ['fibmatch'])));
}

function mtuOf(route: ListedRoute | undefined): number | undefined {
  return route?.metrics.find(({ mtu }) => mtu !== undefined)?.mtu;
}

/** As iproute2 passes on what the kernel refuses. */
const KERNEL_SAYS = /^(RTNETLINK answers|Error): /;

async function lookUp(runner: Runner, args: string[]): Promise<ListedRoute | undefined> {
  try {
    const [route] = readJson(z.array(listedRoute), await runner.query('ip', args), `ip ${args.join(' ')}`);
    return route;
  } catch (error) {
    // The kernel's own answer, that there is none; whatever else failed is no answer.
    if (error instanceof ClearDfError && KERNEL_SAYS.test(error.reason)) return undefined;
    throw error;
  }
}

/** Where packets to an address go. */
interface ChosenRoute {
  dev: string;
  /** Bytes: the route's own MTU (a metric, or path MTU discovery's finding) or its device's. */
  mtu: number;
  /** The source address that the kernel would choose. */
  source: string | undefined;
}

/**
 * The route that the kernel takes to an address, as `ip route get` says.
 * @throws ClearDfError ENVIRONMENT when there is none
 */
export async function routeTo(runner: Runner, address: string): Promise<ChosenRoute> {
  const args = ['-j', 'route', 'get', address];
  const text = await runner.query('ip', args).catch((cause: unknown) => {
    if (cause instanceof ClearDfError && cause.code !== 'RUNTIME') throw cause;
    throw noRoute(address, cause);
  });
  const [found] = readJson(z.array(listedRoute), text, `ip ${args.join(' ')}`);
  if (found?.dev === undefined) throw noRoute(address);
  const metric = mtuOf(found);
  const device = await findDevice(runner, found.dev, 'route');
  return { dev: found.dev, mtu: Math.min(metric ?? device.mtu, device.mtu), source: found.prefsrc };
}

function noRoute(address: string, cause?: unknown): ClearDfError {
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'find route',
    object: address,
    reason: cause instanceof ClearDfError ? cause.reason : 'there is none',
    hint: `ip route get ${address}`,
    cause,
  });
}

const LEARNT = ['-j', '-4', 'route', 'show', 'cache'];

/** What path MTU discovery has learnt: the exceptions that hold an MTU; those of redirects are left out. @throws ClearDfError */
export async function readLearnt(runner: Runner): Promise<LearntRoute[]> {
  const { items } = readList(listedRoute, await runner.query('ip', LEARNT), `ip ${LEARNT.join(' ')}`);
  return items.flatMap(({ dst, dev, expires, metrics }) => {
    const mtu = metrics.find((metric) => metric.mtu !== undefined)?.mtu;
    if (dst === undefined || dev === undefined || mtu === undefined) return [];
    return [{ destination: dst, dev, mtu, expires }];
  });
}

/** The MTUs that routes out by a device have of their own, in whatever table. */
export async function routeMtus(runner: Runner, device: string): Promise<number[]> {
  const args = ['-j', '-4', 'route', 'show', 'table', 'all'];
  const { items } = readList(listedRoute, await runner.query('ip', args), `ip ${args.join(' ')}`);
  return items
    .filter(({ dev, nexthops }) => dev === device || nexthops.some((hop) => hop.dev === device))
    .flatMap(({ metrics }) => metrics.flatMap(({ mtu }) => mtu ?? []));
}
