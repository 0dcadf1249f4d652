/** The underlay, the local address, and the path to the other end. */
import { isIpv6 } from '../../net/address6.js';
import { IPV4_MTU_MIN, IPV6_MTU_MIN } from '../../net/protocol.js';
import { carrierDevices, carrierOf, pathOf } from '../carriers/table.js';
import { type Address, type Facts, type Link, linkOf } from '../facts.js';
import { machineError } from '../site/error.js';
import { remotesOf, type Site } from '../site/site.js';
import { missingDevice } from './ports.js';

export function checkUnderlay(site: Site, facts: Facts): void {
  const link = linkOf(facts, site.underlay);
  if (link === undefined) throw missingDevice(site, 'underlay', site.underlay, facts);
  refuseState(site, link, facts);
  // Addresses of a tunnel that is bound to a VRF are that VRF's, which the plan makes; others may have the same.
  if (carrierOf(site).ends().dev === undefined) refuseEnds(site, facts);
  const { to, key } = pathOf(site);
  refuseWay(site, { to, key, path: facts.path });
  for (const [i, address] of (site.moreRemotes ?? []).entries()) {
    const path = facts.morePaths?.find((one) => one.to === address);
    refuseWay(site, { to: address, key: `remotes.${i + 1}`, path });
  }
}

function refuseState(site: Site, { name, up, master }: Link, facts: Facts): void {
  if (!up) throw machineError('ENVIRONMENT', site, 'underlay', `${name} is down`, `ip link set dev ${name} up`);
  if (master === undefined || linkOf(facts, master)?.kind !== 'bridge') return;
  const reason = `${name} is a port of ${master}: packets of this machine leave by the bridge, not by its port`;
  throw machineError('CONFLICT', site, 'underlay', reason, `underlay: ${master}`);
}

function refuseEnds(site: Site, facts: Facts): void {
  const holder = (address: string) =>
    facts.links.find(({ addresses }) => addresses.some(({ prefix }) => prefix.startsWith(`${address}/`)));
  const remote = remotesOf(site).find((address) => holder(address) !== undefined);
  const own = remote === undefined ? undefined : holder(remote);
  if (own !== undefined) {
    const swapped = holder(site.local) === undefined;
    throw machineError(
      'CONFLICT',
      site,
      endKey(site, remote),
      `${remote} is an address of this machine (${own.name}); expected the other router's`,
      swapped ? "local and remote are swapped, or this is the other end's file" : undefined,
    );
  }
  if (holder(site.local) !== undefined) return;
  const here = facts.links
    .filter(({ name }) => name !== 'lo')
    .flatMap(({ addresses }) => addresses.filter((one) => isEnd(one, site)).map(({ prefix }) => prefix));
  const there =
    here.length === 0 ? `it has no ${isIpv6(site.local) ? 'IPv6' : 'IPv4'} address` : `it has ${here.join(', ')}`;
  const reason = `no device of this machine has ${site.local}; ${there}`;
  throw machineError('ENVIRONMENT', site, 'local', reason, `ip address add ${site.local}/LENGTH dev ${site.underlay}`);
}

/** Where the file names an other end. */
function endKey({ remote, moreRemotes = [] }: Site, address: string | undefined): string {
  return address === remote || address === undefined ? 'remote' : `remotes.${moreRemotes.indexOf(address) + 1}`;
}

/** Whether an address could be this end of the tunnel. */
function isEnd({ family, scope }: Address, { local }: Site): boolean {
  return isIpv6(local) ? family === 6 && scope !== 'link' : family === 4;
}

function refuseWay(site: Site, { to, key, path }: { to: string; key: string; path: Facts['path'] }): void {
  const { underlay, bridge } = site;
  const six = isIpv6(to);
  const get = `ip ${six ? '-6 ' : ''}route get ${to}`;
  if (path === undefined) {
    throw machineError('ENVIRONMENT', site, key, `there is no route to ${to}`, get);
  }
  if (path.dev === bridge.name || bridge.ports.includes(path.dev) || path.dev === site.tunnel.name) {
    throw machineError(
      'CONFLICT',
      site,
      key,
      `the route to ${to} uses ${path.dev}, which belongs to the bridge: the tunnel would carry its own packets`,
      `give it a route by ${underlay}: ip ${six ? '-6 ' : ''}route add ${to}/${six ? 128 : 32} via GATEWAY dev ${underlay}`,
    );
  }
  // Up already: the carrier's own device leads there.
  if (carrierDevices(site.carrier).includes(path.dev)) return;
  if (path.dev !== underlay) {
    const reason = `the route to ${to} uses ${path.dev}, not ${underlay}`;
    throw machineError('ENVIRONMENT', site, 'underlay', reason, `underlay: ${path.dev}, or: ${get}`);
  }
  if (six && isIpv6(site.local) && path.mtu < IPV6_MTU_MIN) {
    const reason = `the path to ${to} carries ${path.mtu} bytes; IPv6 needs ${IPV6_MTU_MIN} (RFC 8200 §5)`;
    throw machineError('ENVIRONMENT', site, key, reason, get);
  }
  if (path.mtu < IPV4_MTU_MIN) {
    const reason = `the path to ${to} carries ${path.mtu} bytes; IPv4 fragments need ${IPV4_MTU_MIN} (RFC 791 §3.2)`;
    throw machineError('ENVIRONMENT', site, key, reason, get);
  }
}
