/** A router that nobody has looked at: what a plan is made from when there is no machine. */
import type { Abilities } from './abilities.js';
import type { Facts, Link } from './facts.js';
import type { Site } from './site/site.js';

/** What is known of it all the same. */
export interface Assumptions {
  /** MTU of the path to the other router. Bytes. */
  pathMtu?: number;
  /** Devices with their MTUs, in bytes, beside those that the site names. */
  devices?: Readonly<Record<string, number>>;
  /** Modules that are loaded. */
  modules?: readonly string[];
  /** What its kernel can do; `yes` where nothing is said. */
  can?: Partial<Abilities>;
}

const ETHERNET_MTU = 1500;

/** Devices that the site takes for granted are there, up and without addresses; everything works. */
export function assumedFacts(site: Site, { pathMtu, devices = {}, modules = [], can = {} }: Assumptions = {}): Facts {
  const { underlay, bridge, local } = site;
  const mtus = new Map(Object.entries(devices));
  for (const name of [underlay, ...bridge.ports]) if (!mtus.has(name)) mtus.set(name, ETHERNET_MTU);
  return {
    kernel: 'assumed',
    links: [...mtus].map(([name, mtu]) => device(name, mtu)),
    routes: [],
    tableRoutes: [],
    rules: [],
    path: { dev: underlay, mtu: pathMtu ?? mtus.get(underlay) ?? ETHERNET_MTU, source: local, via: undefined },
    modules: new Set(modules),
    sysctls: new Map(),
    states: [],
    policies: [],
    tables: [],
    can: { ignoreDf: 'yes', bridgeQueue: 'yes', nftBridgeQueue: 'yes', fastPath: 'yes', ...can },
  };
}

function device(name: string, mtu: number): Link {
  return { name, mtu, up: true, master: undefined, kind: undefined, data: {}, addresses: [], fallback: false };
}
