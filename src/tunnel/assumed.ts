/** A router that nobody has looked at: what a plan is made from when there is no machine. */
import * as z from 'zod';
import { optionError } from '../errors.js';
import { type Abilities, abilities } from './abilities.js';
import type { Facts, Link } from './facts.js';
import type { Site } from './site/site.js';

/** What is known of it all the same. */
export interface Assumptions {
  /** MTU of the path to the other router. Bytes. */
  pathMtu?: number;
  /** Devices beside those that the site names: an MTU in bytes, or that and the kind, as `ip -d link` names it. */
  devices?: Readonly<Record<string, number | { mtu: number; kind: string }>>;
  /** Modules that are loaded. */
  modules?: readonly string[];
  /** What its kernel can do; `yes` where nothing is said. */
  can?: Partial<Abilities>;
}

const ETHERNET_MTU = 1500;

const mtu = z.int().min(1).max(0x7fff_ffff);
const assumptions = z.strictObject({
  pathMtu: mtu.optional(),
  devices: z.record(z.string(), z.union([mtu, z.strictObject({ mtu, kind: z.string() })])).optional(),
  modules: z.array(z.string()).optional(),
  can: z.strictObject(abilities.shape).partial().optional(),
} satisfies Record<keyof Assumptions, z.ZodType>);

/** The accepted form of each, for the person whose value was refused. */
const ACCEPTED: Record<keyof Assumptions, string> = {
  pathMtu: 'bytes',
  devices: "bytes by the name of the device, or bytes and kind: { wg0: { mtu: 1420, kind: 'wireguard' } }",
  modules: "names of modules: ['ip_gre']",
  can: `yes, no or unknown for some of ${Object.keys(abilities.shape).join(', ')}: { ignoreDf: 'no' }`,
};

/**
 * What is given is used as it is: a schema of journals has defaults that are none here.
 * @throws ClearDfError USAGE that names what is not accepted
 */
export function checkAssumptions(given: unknown): asserts given is Assumptions {
  const read = assumptions.safeParse(given);
  if (!read.success) throw optionError(read.error.issues[0], given, ACCEPTED, '{ pathMtu: 1400 }', 'machine');
}

/** Devices that the site takes for granted are there, up and without addresses; everything works. */
export function assumedFacts(site: Site, { pathMtu, devices = {}, modules = [], can = {} }: Assumptions = {}): Facts {
  const { underlay, bridge, local } = site;
  const links = new Map(Object.entries(devices).map(([name, how]) => [name, device(name, how)]));
  for (const name of [underlay, ...bridge.ports]) if (!links.has(name)) links.set(name, device(name, ETHERNET_MTU));
  return {
    kernel: 'assumed',
    links: [...links.values()],
    routes: [],
    tableRoutes: [],
    rules: [],
    path: { dev: underlay, mtu: pathMtu ?? links.get(underlay)?.mtu ?? ETHERNET_MTU, source: local, via: undefined },
    modules: new Set(modules),
    sysctls: new Map(),
    states: [],
    policies: [],
    tables: [],
    can: { ignoreDf: 'yes', bridgeQueue: 'yes', nftBridgeQueue: 'yes', fastPath: 'yes', ...can },
  };
}

function device(name: string, how: number | { mtu: number; kind: string }): Link {
  const { mtu, kind } = typeof how === 'number' ? { mtu: how, kind: undefined } : how;
  return { name, mtu, up: true, master: undefined, kind, data: {}, addresses: [], fallback: false };
}
