/** Addresses at the two ends of a carrier's device: nobody else's. */
import { isInPrefix } from '../../net/address.js';
import type { Facts } from '../facts.js';
import { machineError } from '../site-error.js';
import type { RouteBased, Site } from '../site.js';

export function checkInnerAddresses({ inner, device }: RouteBased, site: Site, { links, routes }: Facts): void {
  if (inner === undefined) return;
  for (const end of ['local', 'remote'] as const) {
    const address = inner[end];
    const key = `carrier.inner.${end}`;
    for (const { name, addresses } of links) {
      if (name === device) continue;
      const network = addresses.find(({ family, prefix }) => family === 4 && isInPrefix(address, prefix));
      if (network === undefined) continue;
      const reason = `${address} lies in ${network.prefix} on ${name}: packets for one would go by the other`;
      throw machineError('CONFLICT', site, key, reason, 'two addresses that nothing else here uses: 10.255.0.1');
    }
    const route = routes.find(
      (one) => one.dev !== device && one.destination !== 'default' && covers(one.destination, address),
    );
    if (route === undefined) continue;
    const reason = `${address} lies in ${route.destination}, which is reached by ${route.dev}: it would be taken from there`;
    throw machineError('CONFLICT', site, key, reason, 'two addresses that nothing else here uses: 10.255.0.1');
  }
}

function covers(destination: string, address: string): boolean {
  return isInPrefix(address, destination.includes('/') ? destination : `${destination}/32`);
}
