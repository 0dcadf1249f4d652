/** Devices and routes of this network namespace, read through `ip -j`. */
import * as z from 'zod';
import { ClearDfError } from '../errors.js';
import { type Runner } from './exec.js';
import { readJson, readList } from './facts/json.js';

const link = z.object({ ifname: z.string(), mtu: z.number() });
const indexed = z.object({ ifname: z.string(), ifindex: z.number(), link_type: z.string() });
const routes = z.array(
  z.object({
    dev: z.string().optional(),
    prefsrc: z.string().optional(),
    metrics: z.array(z.object({ mtu: z.number().optional() })).optional(),
  }),
);

export interface Device {
  name: string;
  /** Bytes. */
  mtu: number;
}

/** Where packets to an address go. */
export interface Route {
  dev: string;
  /** Bytes: the route's own MTU (a metric, or path MTU discovery's finding) or its device's. */
  mtu: number;
  /** The source address that the kernel would choose. */
  source: string | undefined;
}

/** Every device of this network namespace. */
export async function listDevices(runner: Runner): Promise<Device[]> {
  const { items } = readList(link, await runner.query('ip', ['-j', 'link', 'show']), 'ip -j link show');
  return items.map(({ ifname, mtu }) => ({ name: ifname, mtu }));
}

/**
 * One device.
 * @param flag the option that named it, for the message
 * @throws ClearDfError ENVIRONMENT that lists the devices there are
 */
export async function findDevice(runner: Runner, name: string, flag: string): Promise<Device> {
  const devices = await listDevices(runner);
  const found = devices.find((device) => device.name === name);
  if (found) return found;
  throw missing(flag, name, devices);
}

/** A device as the kernel numbers it. */
export interface Link {
  name: string;
  index: number;
  /** Its packets start with an Ethernet header. */
  ethernet: boolean;
}

/** Every device of this network namespace, with its number. */
export async function listLinks(runner: Runner): Promise<Link[]> {
  const { items } = readList(indexed, await runner.query('ip', ['-j', 'link', 'show']), 'ip -j link show');
  return items.map(({ ifname, ifindex, link_type }) => ({
    name: ifname,
    index: ifindex,
    ethernet: link_type === 'ether',
  }));
}

/**
 * One device, with its number.
 * @param flag the option that named it, for the message
 * @throws ClearDfError ENVIRONMENT that lists the devices there are
 */
export async function findLink(runner: Runner, name: string, flag: string): Promise<Link> {
  const links = await listLinks(runner);
  const found = links.find((one) => one.name === name);
  if (found) return found;
  throw missing(flag, name, links);
}

function missing(flag: string, name: string, there: readonly { name: string }[]): ClearDfError {
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'find device',
    object: `${flag} ${name}`,
    reason: `there is none; there are ${there.map((device) => device.name).join(', ')}`,
    hint: 'create the device first, or name another',
  });
}

/**
 * The route that the kernel takes to an address, as `ip route get` says.
 * @throws ClearDfError ENVIRONMENT when there is none
 */
export async function routeTo(runner: Runner, address: string): Promise<Route> {
  const args = ['-j', 'route', 'get', address];
  const text = await runner.query('ip', args).catch((cause: unknown) => {
    if (cause instanceof ClearDfError && cause.code !== 'RUNTIME') throw cause;
    throw noRoute(address, cause);
  });
  const [route] = readJson(routes, text, `ip ${args.join(' ')}`);
  if (route?.dev === undefined) throw noRoute(address);
  const metric = route.metrics?.find(({ mtu }) => mtu !== undefined)?.mtu;
  const device = await findDevice(runner, route.dev, 'route');
  return { dev: route.dev, mtu: Math.min(metric ?? device.mtu, device.mtu), source: route.prefsrc };
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
