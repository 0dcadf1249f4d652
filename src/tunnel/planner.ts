/** From a site and the machine it stands on to the plan of its tunnel. Pure: nothing is read, nothing is done. */
import { carrierOf } from './carriers/table.js';
import { chooseEngine } from './engines/choose.js';
import type { EngineParts } from './engines/engine.js';
import type { Facts } from './facts.js';
import type { Item } from './item.js';
import { addressOffItem, addressOnItem } from './items/address.js';
import { bridgeItem, mtuItem, portItem, upItem } from './items/link.js';
import { pathRouteItem, routeItem } from './items/route.js';
import type { Cookies, Secrets } from './keys.js';
import { typeOf } from './types/table.js';
import { cutsOf, notesOf } from './notes.js';
import { type Origin, originOf } from './origin.js';
import type { Plan } from './plan.js';
import type { Site } from './site/site.js';
import { tunnelSizes } from './tunnel-sizes.js';

/**
 * Everything that `up` will do, in order, and why.
 * @param facts the machine as it was before the first `up`: an `up` after an interruption, `status` and `down` then plan
 * the same items, and {@link Item.status} compares them with the machine as it is
 * @param secrets of a carrier that has some; without them the plan has no associations and policies, and no IKE by a
 * pre-shared key
 * @throws ClearDfError ENVIRONMENT when no engine, or not the one asked for, can work here
 */
export function planTunnel(site: Site, facts: Facts, secrets?: Secrets): Plan {
  const origin = originOf(site, facts);
  const { engine, reason } = chooseEngine(site, facts);
  const freshBridge = !origin.devices.includes(site.bridge.name);
  const parts = engine.parts({ site, facts, origin, freshBridge });
  const carrier = carrierOf(site);
  const sizes = tunnelSizes(site, facts);
  const keys = secrets !== undefined && 'out' in secrets ? secrets : undefined;
  const cookies = secrets !== undefined && 'cookies' in secrets ? secrets.cookies : undefined;
  const tunnelType = typeOf(site);
  const psk = secrets !== undefined && 'psk' in secrets ? secrets.psk : undefined;
  return {
    site,
    engine: engine.name,
    engineReason: reason,
    items: [
      ...tunnelType.modules(),
      ...parts.first,
      ...carrier.guards(facts),
      ...carrier.items({ facts, origin, keys, psk }),
      ...pathItems(site, facts),
      ...bridgeItems(site, freshBridge, parts),
      ...tunnelItems(site, { origin, parts, cookies, mtu: sizes.inside?.mtu }),
      ...site.bridge.ports.flatMap((port) => portItems(site, port, origin)),
      bridgeMtu(site, freshBridge, sizes.inside?.mtu),
    ],
    mangler: parts.mangler,
    socket: carrier.socket(),
    sizes,
    cuts: [...carrier.cuts(), ...cutsOf(site, facts, origin)],
    notes: [...parts.notes, ...tunnelType.notes(facts), ...carrier.notes(facts), ...notesOf(site, facts, sizes)],
  };
}

/** What the path carries, where the file knows better than the route. */
function pathItems({ pathMtu: mtu, remote, fragment }: Site, { path }: Facts): Item[] {
  // Where nothing is cut outside, no route has to say so.
  return mtu === undefined || path === undefined || fragment === 'inner' ? [] : [pathRouteItem(remote, path, mtu)];
}

function bridgeItems({ bridge }: Site, fresh: boolean, { onBridge }: EngineParts): Item[] {
  const { name } = bridge;
  return [
    bridgeItem(
      name,
      "joins the hosts' segment and the tunnel; kernel defaults, so no spanning tree and no forward delay",
    ),
    ...onBridge,
    upItem(name, { reason: 'the router itself uses the bridge through this device', fresh }),
  ];
}

interface TunnelParts {
  origin: Origin;
  parts: EngineParts;
  cookies: Cookies | undefined;
  /** Of the port, where the bridge cuts before it. */
  mtu: number | undefined;
}

function tunnelItems(
  site: Site,
  { origin, parts: { ignoreDf, onTunnel }, cookies, mtu = site.mtu }: TunnelParts,
): Item[] {
  const { bridge, fragment } = site;
  const { name } = site.tunnel;
  const fresh = !origin.devices.includes(name);
  return [
    ...typeOf(site).device({ ends: carrierOf(site).ends(), ignoreDf, cookies }),
    mtuItem(name, mtu, {
      reason:
        fragment === 'inner'
          ? 'what fits one outer packet, with room for a VLAN tag: the bridge cuts IPv4 packets that are larger'
          : 'every port of a bridge has the same MTU; the default would be what fits one outer packet',
      fresh,
    }),
    ...onTunnel,
    portItem(name, bridge.name, { reason: 'frames for the other site go into the tunnel', fresh }),
    upItem(name, { reason: 'starts the tunnel', fresh }),
  ];
}

/**
 * What makes a device of the hosts' side a port of the bridge, with its addresses moved when that was asked for.
 * The order keeps the gap short: the bridge has the addresses before the port joins, routes are replaced in place, and
 * only then the port loses its addresses, the last one first: a primary address takes its secondaries with it.
 */
function portItems({ mtu, bridge }: Site, port: string, origin: Origin): Item[] {
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

/** Last, because a bridge takes the smallest MTU of its ports whenever one comes or changes. */
function bridgeMtu({ mtu, bridge }: Site, fresh: boolean, inside: number | undefined): Item {
  return mtuItem(bridge.name, inside ?? mtu, {
    reason:
      inside === undefined
        ? 'what the router sends into the bridge has to fit the tunnel device too'
        : `the pieces are as large as ${bridge.name}'s MTU lets them be: larger ones would not get into the tunnel`,
    fresh,
  });
}
