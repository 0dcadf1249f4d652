/** The bridge's ports: devices that are there, free, and not in use for something else. */
import type { ClearDfError } from '../../errors.js';
import { nearest } from '../../net/nearest.js';
import { IPV4_MTU_MIN } from '../../net/protocol.js';
import { type Facts, type Link, linkOf } from '../facts.js';
import { machineError } from '../site/error.js';
import type { Site } from '../site/site.js';

/** Kinds that carry IP without Ethernet: `br_add_if` in net/bridge/br_if.c refuses them (EINVAL). */
const NOT_ETHERNET = [
  'wireguard',
  'gre',
  'ipip',
  'sit',
  'ip6tnl',
  'ip6gre',
  'vti',
  'vti6',
  'xfrm',
  'vrf',
  'ppp',
  'can',
];

export function checkPorts(site: Site, facts: Facts): void {
  site.bridge.ports.forEach((name, i) => {
    const key = `bridge.ports.${i}`;
    const link = linkOf(facts, name);
    if (link === undefined) throw missingDevice(site, key, name, facts);
    refuseKind(site, key, link);
    refuseMaster(site, key, link);
    refuseDefaultRoute(site, key, link, facts);
    refuseAddresses(site, key, link);
  });
}

function refuseKind(site: Site, key: string, { name, kind, mtu }: Link): void {
  if (kind === 'bridge') {
    throw machineError(
      'CONFLICT',
      site,
      key,
      `${name} is a bridge, and a bridge cannot be a port of one (ELOOP)`,
      'name its ports',
    );
  }
  if (name === 'lo' || (kind !== undefined && NOT_ETHERNET.includes(kind))) {
    const what = name === 'lo' ? 'the loopback device' : `of kind ${kind}`;
    throw machineError(
      'CONFLICT',
      site,
      key,
      `${name} is ${what}: it carries no Ethernet frames, and a bridge refuses it (EINVAL)`,
    );
  }
  if (mtu < IPV4_MTU_MIN) {
    throw machineError('ENVIRONMENT', site, key, `${name} has an MTU of ${mtu} bytes, too few for IPv4 (RFC 791 §3.2)`);
  }
}

function refuseMaster(site: Site, key: string, { name, master }: Link): void {
  if (master === undefined || master === site.bridge.name) return;
  throw machineError(
    'CONFLICT',
    site,
    key,
    `${name} belongs to ${master} already, and a device has one master`,
    `bridge.name: ${master} where that is the bridge you mean, or: ip link set dev ${name} nomaster`,
  );
}

/** A device that carries it is how the machine is reached, or how it reaches all else: too much to take along unasked. */
function refuseDefaultRoute(site: Site, key: string, { name }: Link, facts: Facts): void {
  const ipv6 = facts.defaults6?.includes(name) === true;
  const route = facts.routes.find(
    ({ destination, dev, words }) => destination === 'default' && (dev === name || isNexthop(words, name)),
  );
  if (route === undefined && !ipv6) return;
  const via = route?.via === undefined || route.dev !== name ? '' : ` via ${route.via}`;
  const what = route === undefined ? 'the IPv6 default route' : `the default route (default${via} dev ${name})`;
  throw machineError(
    'CONFLICT',
    site,
    key,
    `${name} carries ${what}: a bridge port has no address of its own, so this machine would be ` +
      'cut off from all but its own networks, and for good if a step in between fails',
    `make bridge ${site.bridge.name} with the system's own network configuration, addresses and default route on it, ` +
      'and run this again; or name another port',
  );
}

/** One of several nexthops goes by this device. */
function isNexthop(words: readonly string[], device: string): boolean {
  return words.some((word, i) => word === device && words[i - 1] === 'dev');
}

function refuseAddresses(site: Site, key: string, { name, addresses, master }: Link): void {
  if (site.bridge.moveAddresses || master === site.bridge.name) return;
  const own = addresses.filter(({ family, scope }) => family === 4 || scope !== 'link').map(({ prefix }) => prefix);
  if (own.length === 0) return;
  throw machineError(
    'CONFLICT',
    site,
    key,
    `${name} has ${own.join(', ')}: addresses of a bridge port are unreachable, and the file does not allow to move them`,
    `bridge.move-addresses: true moves them to ${site.bridge.name}; or take them off: ip address flush dev ${name}`,
  );
}

/** A device that a site file names and the machine has not: says what there is, and which was probably meant. */
export function missingDevice(site: Site, key: string, name: string, facts: Facts): ClearDfError {
  if (facts.oddDevices?.includes(JSON.stringify(name)) === true) {
    const reason = `what ip -d address show says of ${name} is not understood`;
    return machineError('ENVIRONMENT', site, key, reason, 'name another device');
  }
  const names = facts.links.filter((link) => !link.fallback && link.name !== 'lo').map((link) => link.name);
  const near = nearest(name, names);
  const there = names.length === 0 ? 'there is none but lo' : `there are ${names.join(', ')}`;
  const hint = near === undefined ? 'create the device first, or name another' : `did you mean '${near}'?`;
  return machineError('ENVIRONMENT', site, key, `there is no device ${name}; ${there}`, hint);
}
