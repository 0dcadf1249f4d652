/** How the machine stood before the first `up` of a site, as far as the shape of its plan depends on it. */
import { type Address, type Facts, linkOf, type Route } from './facts.js';
import type { Site } from './site/site.js';

export interface Origin {
  /** br_netfilter was loaded. */
  brNetfilter: boolean;
  /** The bridge and the tunnel device that were there. */
  devices: readonly string[];
  /** What the bridge's ports carried, by name; only where addresses move. */
  ports: readonly PortOrigin[];
}

interface PortOrigin {
  name: string;
  /** In the order in which `ip address show` prints them; without those that a daemon or the kernel looks after. */
  addresses: readonly Address[];
  /** IPv4 routes, without those that come by themselves: with an address, a lease or a router's advertisement. */
  routes: readonly Route[];
}

const OWN_ROUTES = new Set(['kernel', 'dhcp', 'ra']);

function isMovable({ scope, dynamic }: Address): boolean {
  return scope !== 'link' && !dynamic;
}

export function originOf(site: Site, facts: Facts): Origin {
  const names = [site.bridge.name, site.tunnel.name];
  return {
    brNetfilter: facts.modules.has('br_netfilter'),
    devices: names.filter((name) => linkOf(facts, name) !== undefined),
    ports: site.bridge.moveAddresses
      ? site.bridge.ports.map((name) => ({
          name,
          addresses: (linkOf(facts, name)?.addresses ?? []).filter(isMovable),
          routes: facts.routes.filter(({ dev, protocol }) => dev === name && !OWN_ROUTES.has(protocol)),
        }))
      : [],
  };
}
