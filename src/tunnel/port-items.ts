/** What makes a device of the hosts' side a port of the bridge, with its addresses moved when that was asked for. */
import type { Item } from './item.js';
import { addressOffItem } from './items/address-off.js';
import { addressOnItem } from './items/address-on.js';
import { mtuItem } from './items/mtu.js';
import { portItem } from './items/port.js';
import { routeItem } from './items/route.js';
import { upItem } from './items/up.js';
import type { Origin } from './origin.js';
import type { Site } from './site/site.js';

/**
 * The order keeps the gap short: the bridge has the addresses before the port joins, routes are replaced in place, and
 * only then the port loses its addresses, the last one first: a primary address takes its secondaries with it.
 */
export function portItems({ mtu, bridge }: Site, port: string, origin: Origin): Item[] {
  const { addresses = [], routes = [] } = origin.ports.find(({ name }) => name === port) ?? {};
  return [
    mtuItem(port, mtu, { reason: 'hosts send packets of this size', fresh: false, atLeast: true }),
    ...addresses.map((address) =>
      addressOnItem(
        address,
        bridge.name,
        `bridge.move-addresses: addresses of a bridge port are unreachable; added before ${port} joins, so that the gap is short`,
      ),
    ),
    portItem(port, bridge.name, { reason: 'the hosts are behind it', fresh: false }),
    upItem(port, { reason: 'a port that is down passes nothing', fresh: false }),
    ...routes.map((route) =>
      routeItem(route, bridge.name, `${port} is a bridge port now: its routes move to ${bridge.name}`),
    ),
    ...[...addresses]
      .reverse()
      .map((address) =>
        addressOffItem(address, port, `${bridge.name} has it; two devices with one address confuse ARP`),
      ),
  ];
}
