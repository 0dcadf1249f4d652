/** Devices of a network namespace: what `ip -j link show` and `ip -j address show` print, in one form. */
import * as z from 'zod';
import type { Device } from '../../doctor/machine.js';
import { ClearDfError } from '../../errors.js';
import type { Address, Facts, Link } from '../../tunnel/facts.js';
import type { Runner } from '../exec.js';
import { readJson, readList } from './json.js';

const address = z.object({
  family: z.string(),
  local: z.string().optional(),
  /** The other end, where there is one. */
  address: z.string().optional(),
  broadcast: z.string().optional(),
  label: z.string().optional(),
  metric: z.number().optional(),
  noprefixroute: z.boolean().default(false),
  nodad: z.boolean().default(false),
  prefixlen: z.number(),
  scope: z.string().default('global'),
  dynamic: z.boolean().default(false),
});

/** Packets. */
const side = z.object({
  errors: z.number(),
  dropped: z.number().default(0),
  carrier_errors: z.number().default(0),
  collisions: z.number().default(0),
});

const link = z.object({
  ifname: z.string(),
  ifindex: z.number().optional(),
  link_type: z.string().optional(),
  flags: z.array(z.string()).default([]),
  mtu: z.number(),
  master: z.string().optional(),
  /** With `-d`. */
  linkinfo: z
    .object({
      info_kind: z.string().optional(),
      info_data: z.record(z.string(), z.unknown()).default({}),
      info_slave_kind: z.string().optional(),
      info_slave_data: z.object({ state: z.unknown() }).optional(),
    })
    .default({ info_data: {} }),
  gso_ipv4_max_size: z.number().optional(),
  /** With `-s`. */
  stats64: z.object({ rx: side.optional(), tx: side }).optional(),
  /** Of `ip address`. */
  addr_info: z.array(address).default([]),
});
type ListedLink = z.output<typeof link>;

/** iproute2 prints an empty object in the place of what it leaves out. */
const entry = z.union([link, z.strictObject({})]);

const isLink = (one: z.output<typeof entry>): one is ListedLink => 'ifname' in one;

/**
 * Every device, as `ip OPTIONS -j link show` lists them.
 * @returns `odd`: how those are called that are not in that form
 * @throws ClearDfError ENVIRONMENT without iproute2
 */
export async function listLinks(
  runner: Runner,
  options: readonly string[] = [],
): Promise<{ links: ListedLink[]; odd: string[] }> {
  const args = [...options, '-j', 'link', 'show'];
  return listed(await runner.query('ip', args), args);
}

/** @throws ClearDfError ENVIRONMENT for what cannot be: without loopback there is no network namespace */
function listed(text: string, args: readonly string[]): { links: ListedLink[]; odd: string[] } {
  const command = `ip ${args.join(' ')}`;
  const { items, odd } = readList(entry, text, command);
  const links = items.filter(isLink);
  if (links.length + odd.length > 0) return { links, odd };
  throw new ClearDfError({
    ...{ code: 'ENVIRONMENT', operation: 'read', object: command },
    reason: 'it listed no device, not even lo',
    hint: 'apt-get install iproute2',
  });
}

/**
 * One device with what only `-d` shows.
 * @throws ClearDfError RUNTIME when there is no such device, ENVIRONMENT when `ip` prints no JSON
 */
export async function showLink(runner: Runner, name: string): Promise<ListedLink | undefined> {
  const args = ['-d', '-j', 'link', 'show', 'dev', name];
  return readJson(z.array(entry), await runner.query('ip', args), `ip ${args.join(' ')}`).find(isLink);
}

/** Devices that the kernel makes in every network namespace when the module of their kind is loaded. */
const FALLBACKS: Record<string, string> = {
  gre0: 'gre',
  gretap0: 'gretap',
  erspan0: 'erspan',
  ip6gre0: 'ip6gre',
  ip6tnl0: 'ip6tnl',
  tunl0: 'ipip',
  sit0: 'sit',
  ip_vti0: 'vti',
  ip6_vti0: 'vti6',
};

const ADDRESSES = ['-d', '-j', 'address', 'show'];

/**
 * Every device with its addresses, as plans need them.
 * @throws ClearDfError ENVIRONMENT without iproute2
 */
export async function readLinks(runner: Runner): Promise<Pick<Facts, 'links' | 'oddDevices'>> {
  return parseLinks(await runner.query('ip', ADDRESSES));
}

/** What `ip -d -j address show` printed. @throws ClearDfError ENVIRONMENT when it is not its JSON */
export function parseLinks(text: string): { links: Link[]; oddDevices: string[] } {
  const { links: found, odd } = listed(text, ADDRESSES);
  const links = found.map((one) => {
    const base = baseOf(one);
    return {
      ...base,
      addresses: one.addr_info.flatMap((address) => addressOf(address, one.ifname)),
      fallback: base.kind !== undefined && FALLBACKS[one.ifname] === base.kind,
    };
  });
  return { links, oddDevices: odd };
}

function baseOf({ ifname, mtu, flags, master, linkinfo }: ListedLink): Omit<Link, 'addresses' | 'fallback'> {
  return { name: ifname, mtu, up: flags.includes('UP'), master, kind: linkinfo.info_kind, data: linkinfo.info_data };
}

function addressOf(listed: z.infer<typeof address>, device: string): Address[] {
  const { family, local, prefixlen, scope, dynamic } = listed;
  if (local === undefined || (family !== 'inet' && family !== 'inet6')) return [];
  const prefix = `${local}/${prefixlen}`;
  return [{ family: family === 'inet' ? 4 : 6, prefix, scope, words: wordsOf(listed, device), dynamic }];
}

/** As `ip address add` takes them. */
function wordsOf(listed: z.infer<typeof address>, device: string): string[] {
  const { address: peer, broadcast, label, metric, prefixlen, scope, noprefixroute, nodad } = listed;
  return [
    ...(peer === undefined ? [] : ['peer', `${peer}/${prefixlen}`]),
    ...(broadcast === undefined ? [] : ['broadcast', broadcast]),
    ...(scope === 'global' ? [] : ['scope', scope]),
    ...(label === undefined || label === device ? [] : ['label', label]),
    ...(metric === undefined ? [] : ['metric', String(metric)]),
    ...(noprefixroute ? ['noprefixroute'] : []),
    ...(nodad ? ['nodad'] : []),
  ];
}

/** Every device with its counters, as the doctor needs them. @throws ClearDfError ENVIRONMENT without iproute2 */
export async function readDevices(runner: Runner): Promise<{ devices: Device[]; odd: string[] }> {
  const { links, odd } = await listLinks(runner, ['-d', '-s']);
  const devices = links.map((one) => ({
    ...baseOf(one),
    ...portState(one.linkinfo),
    txErrors: one.stats64?.tx.errors ?? 0,
    txCarrierErrors: one.stats64?.tx.carrier_errors ?? 0,
    collisions: one.stats64?.tx.collisions ?? 0,
    gsoIpv4MaxSize: one.gso_ipv4_max_size,
  }));
  // Left out: no command could be given its name, and no terminal should get it.
  const [fit, unfit] = [devices.filter(({ name }) => isPlain(name)), devices.filter(({ name }) => !isPlain(name))];
  return { devices: fit, odd: [...odd, ...unfit.map(({ name }) => JSON.stringify(name))] };
}

/** Whether a name has nothing in it that a terminal takes for something else. */
function isPlain(name: string): boolean {
  return !/[\p{Cc}\p{Cf}\ufffd]/u.test(name);
}

function portState({ info_slave_kind, info_slave_data }: ListedLink['linkinfo']): Pick<Device, 'portState'> {
  const state = info_slave_kind === 'bridge' ? info_slave_data?.state : undefined;
  return typeof state === 'string' ? { portState: state } : {};
}

/** A device that an option or a route has named. */
export interface NamedDevice {
  name: string;
  /** Bytes. */
  mtu: number;
  /** As the kernel numbers it. */
  index: number;
  /** Its packets start with an Ethernet header. */
  ethernet: boolean;
}

/** Every device, with its number. */
export async function listDevices(runner: Runner): Promise<NamedDevice[]> {
  const { links } = await listLinks(runner);
  return links.map(({ ifname, mtu, ifindex = 0, link_type }) => ({
    ...{ name: ifname, mtu, index: ifindex, ethernet: link_type === 'ether' },
  }));
}

/**
 * One device.
 * @param flag the option that named it, for the message
 * @throws ClearDfError ENVIRONMENT that lists the devices there are
 */
export async function findDevice(runner: Runner, name: string, flag: string): Promise<NamedDevice> {
  const devices = await listDevices(runner);
  const found = devices.find((device) => device.name === name);
  if (found) return found;
  throw new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'find device',
    object: `${flag} ${name}`,
    reason: `there is none; there are ${devices.map((device) => device.name).join(', ')}`,
    hint: 'create the device first, or name another',
  });
}
