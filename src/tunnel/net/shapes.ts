/** What each shape of a net can do, and what it cannot. */
import { oneOf } from '../../errors.js';
import { readIpv6Host } from '../../net/address6.js';
import { DEVICE_NAME_MAX } from '../../net/device.js';
import { rangeText } from '../../net/queue-range.js';
import { isCarrierType } from '../site/carriers.js';
import { siteError } from '../site/error.js';
import type { CarrierSpec, Site } from '../site/site.js';
import { type Leaves, withLeaves } from './merge.js';
import type { NetEnd } from './net.js';
import { reachedAs, refuseAt, type Said } from './said.js';

/** What carries several tunnels of one router without a device, mark and table for each. */
const HUB_CARRIERS: readonly CarrierSpec['type'][] = ['plain', 'esp', 'esp-in-udp', 'tun'];

type Refuse = (key: string, reason: string, hint?: string) => never;

/**
 * Refuses what a shape cannot be made of.
 * @throws ClearDfError USAGE with file, line, reason and what can
 */
export function refuseShape(said: Said): void {
  const refuse: Refuse = (...why) => refuseAt(said, ...why);
  const { shape, hub, sites } = said;
  if (shape === 'pair' && sites.length !== 2) {
    const reason = `pair is not accepted: a pair has two sites, and there are ${sites.length}`;
    refuse('shape', reason, 'shape: mesh, or shape: hub');
  }
  if (shape !== 'hub' && hub !== undefined) {
    refuse('hub', `shape ${shape} has no hub`, 'shape: hub, or leave hub out');
  }
  refuseTwins(said, refuse);
  if (shape === 'mesh') refuseMesh(said, refuse);
  if (shape === 'hub') refuseHub(said, refuse);
}

function refuseTwins(said: Said, refuse: Refuse): void {
  const { sites } = said;
  const local = (site: string) => inOneSpelling(reachedAs(said, site));
  for (const [i, site] of sites.entries()) {
    const first = sites.slice(0, i).find((other) => local(other) === local(site));
    if (first === undefined) continue;
    refuse(`sites.${site}.local`, `${reachedAs(said, site)} is the address of site ${first} as well`);
  }
}

/** Of an IPv6 address that of RFC 5952; a name has no case, and may end in a dot. */
function inOneSpelling(end: string): string {
  const six = readIpv6Host(end);
  return typeof six === 'string' ? six : end.toLowerCase().replace(/\.$/, '');
}

/** Every place where a key is said. */
function* placesOf({ common, own, sites }: Said, key: string) {
  for (const leaves of [common, ...sites.map(own)]) {
    const leaf = leaves.get(key);
    if (leaf !== undefined) yield leaf;
  }
}

function refuseMesh(said: Said, refuse: Refuse): void {
  for (const { value, at } of placesOf(said, 'tunnel.type')) {
    if (value !== 'gretap' && value !== 'l2tp') continue;
    const reason =
      `type ${value} has two ends; between more than two sites, each a bridge, such tunnels are a loop, and no ` +
      'spanning tree is made; shape mesh is of type vxlan';
    refuse(at, reason, 'type: vxlan, or shape: hub with the hub’s name');
  }
}

function refuseHub(said: Said, refuse: Refuse): void {
  const { hub, sites, own } = said;
  if (hub === undefined) {
    refuse('hub', `it is missing; expected the site that all tunnels lead to: one of ${sites.join(', ')}`);
  }
  if (!sites.includes(hub)) refuse('hub', `'${hub}' is no site; expected one of ${sites.join(', ')}`);
  for (const { value, at } of placesOf(said, 'tunnel.type')) {
    if (value !== 'vxlan') continue;
    const reason = 'one VXLAN device leads to all sites, with no hub; shape hub is of type gretap or l2tp';
    refuse(at, reason, 'shape: mesh, or another type');
  }
  for (const { value, at } of placesOf(said, 'carrier.type')) {
    if (!isCarrierType(value) || HUB_CARRIERS.includes(value)) continue;
    const reason =
      `carrier ${value} needs a device, a mark and a table of its own on the hub for each tunnel, which a net's file ` +
      `does not hand out; expected ${oneOf(HUB_CARRIERS)}`;
    refuse(at, reason, value === 'srv6' ? 'site files by hand' : 'carrier: { type: esp, … } encrypts without a device');
  }
  const named = own(hub).get('tunnel.name');
  if (named !== undefined) {
    refuse(named.at, `the hub has a device for each site, called to-SITE`, 'leave it out');
  }
}

/** The hub's device to a spoke. */
export function hubDevice(said: Said, spoke: string): Record<string, { value: string; at: string }> {
  const at = `sites.${spoke}`;
  const value = `to-${spoke}`;
  if (value.length > DEVICE_NAME_MAX) {
    const reason = `the hub's device would be called '${value}'; the kernel takes ${DEVICE_NAME_MAX} characters`;
    refuseAt(said, at, reason, `a name of at most ${DEVICE_NAME_MAX - 'to-'.length} characters`);
  }
  return { 'tunnel.name': { value, at } };
}

/**
 * Queues and the port of metrics of one tunnel of several: each tunnel with a queue has a process of its own.
 * @param first the same site, as the first of them would be
 */
export function numbered(leaves: Leaves, first: Site, number: number): Leaves {
  const { engine, queueGiven, queues, metrics } = first;
  if (engine !== 'nfqueue' && queueGiven !== true) return leaves;
  const width = queues.last - queues.first + 1;
  const from = queues.first + number * width;
  const at = leaves.get('queue')?.at ?? leaves.get('engine')?.at ?? 'sites';
  const port = /^(.*:)(\d+)$/.exec(metrics);
  const next = Number(port?.[2]) + number;
  return withLeaves(leaves, {
    queue: { value: rangeText({ first: from, last: from + width - 1 }), at },
    // One beyond the last port is refused as any other.
    ...(port === null ? {} : { metrics: { value: `${port[1]}${next}`, at: leaves.get('metrics')?.at ?? at } }),
  });
}

/** What two tunnels of one router cannot both have. */
export function refuseSharedOnHub(ends: readonly NetEnd[]): void {
  for (const { key, of, reason, hint } of OWN_OF_EACH) {
    for (const [i, { parsed, others }] of ends.entries()) {
      const value = of(parsed);
      const first = ends.slice(0, i).find((end) => value !== undefined && of(end.parsed) === value);
      if (first === undefined) continue;
      throw siteError(parsed, key(parsed), `site ${others[0]}: ${reason(String(value), first.others[0] ?? '')}`, hint);
    }
  }
}

interface OwnOfEach {
  key: (site: Site) => string;
  of: (site: Site) => string | number | undefined;
  reason: (value: string, first: string) => string;
  hint: string;
}

const OWN_OF_EACH: readonly OwnOfEach[] = [
  {
    key: () => 'carrier.port',
    of: ({ carrier }) => (carrier.type === 'esp-in-udp' ? carrier.port : undefined),
    reason: (port, first) =>
      `the hub's UDP port ${port} is that of the tunnel to site ${first}; each needs a socket of its own`,
    hint: 'carrier: { remote-port: PORT } in one of the two sites, which is the port of the hub',
  },
  {
    key: () => 'tunnel.port',
    of: ({ tunnel }) => (tunnel.type === 'l2tp' && tunnel.encapsulation === 'udp' ? tunnel.port : undefined),
    reason: (port, first) =>
      `the hub's UDP port ${port} is that of the tunnel to site ${first}; the kernel takes one tunnel (EADDRINUSE)`,
    hint: 'tunnel: { peer-port: PORT } in one of the two sites, which is the port of the hub',
  },
  ...(['tunnel', 'session'] as const).map((what): OwnOfEach => ({
    key: () => `tunnel.${what}-id`,
    of: ({ tunnel }) => (tunnel.type === 'l2tp' ? tunnel[`${what}Id`] : undefined),
    reason: (id, first) =>
      `number ${id} of the hub is that of the tunnel to site ${first}; a number names one of a router`,
    hint: `leave ${what}-id out: it is made of the two addresses; or write one for each site`,
  })),
  {
    key: () => 'carrier.keys',
    of: ({ carrier }) =>
      'keys' in carrier && carrier.keys !== 'ike' && carrier.keys !== 'external' ? carrier.keys : undefined,
    reason: (file, first) => `${file} has the keys of the tunnel to site ${first}; a key file is for two ends`,
    hint: 'keys: auto',
  },
  {
    key: () => 'tunnel.cookie',
    of: ({ tunnel }) => (tunnel.type === 'l2tp' ? tunnel.cookie?.file : undefined),
    reason: (file, first) => `${file} has the cookies of the tunnel to site ${first}; such a file is for two ends`,
    hint: 'cookie: auto',
  },
];
