/** A tenant of SRv6: what the kernel must know, what must be free, and what the core must lead to. */
import { chooseCorePath, hasRoom } from './sizes.js';
import { type Facts, NO_TUNSRC } from '../../facts.js';
import { machineError } from '../../site/error.js';
import type { Site, Srv6Carrier } from '../../site/site.js';

export function checkSrv6(spec: Srv6Carrier, site: Site, facts: Facts): void {
  refuseKernel(site, facts);
  refuseIpv6(site, facts);
  refuseTables(spec, site, facts);
  refuseSid(spec, site, facts);
  refuseSource(spec, site, facts);
  refuseRoom(spec, site, facts);
}

function refuseKernel(site: Site, { can, evidence, kernel }: Facts): void {
  if (can.endDt4 !== 'no') return;
  const reason = `kernel ${kernel} cannot do it: ${evidence?.endDt4 ?? 'it knows no End.DT4'}`;
  throw machineError('ENVIRONMENT', site, 'carrier.type', reason, 'a kernel of 5.11 or later with CONFIG_NET_VRF');
}

function refuseIpv6(site: Site, { sysctls }: Facts): void {
  const off = `net/ipv6/conf/${site.underlay}/disable_ipv6`;
  const value = sysctls.get(off);
  if (value === '0') return;
  const found = value === undefined ? 'this kernel runs without IPv6' : `IPv6 is off on ${site.underlay} (${off} is 1)`;
  const hint = value === undefined ? 'boot without ipv6.disable=1' : `sysctl -w ${off}=0`;
  throw machineError('ENVIRONMENT', site, 'underlay', `${found}, and the core is IPv6`, hint);
}

/** Strict mode wants each table to have one VRF; `vrf_strict_mode_change` answers EBUSY otherwise. */
function refuseTables(spec: Srv6Carrier, site: Site, { links }: Facts): void {
  const owners = new Map<number, string>();
  for (const { name, kind, data } of links) {
    if (kind !== 'vrf') continue;
    const table = Number(data['table']);
    const other = owners.get(table);
    owners.set(table, name);
    if (other === undefined) continue;
    const reason = `net.vrf.strict_mode cannot be 1 (EBUSY): ${other} and ${name} have table ${table} both`;
    throw machineError('CONFLICT', site, 'carrier.vrf', reason, 'give each VRF a table of its own');
  }
  const parts = [
    { key: 'carrier.table', vrf: spec.vrf, table: spec.table },
    { key: 'carrier.hop-table', vrf: spec.hop.vrf, table: spec.hop.table },
  ];
  for (const { key, vrf, table } of parts) {
    const owner = owners.get(table);
    if (owner === undefined || owner === vrf) continue;
    const reason = `table ${table} is used by another VRF, ${owner} (EBUSY: Table is used by another VRF)`;
    throw machineError('CONFLICT', site, key, reason, `another table for ${vrf}, or: vrf: ${owner}`);
  }
}

function refuseSid({ sid, vrf, segments }: Srv6Carrier, site: Site, { links, tableRoutes }: Facts): void {
  const holder = links.find(({ addresses }) => addresses.some(({ prefix }) => prefix.startsWith(`${sid}/`)));
  if (holder) {
    const reason = `${sid} is an address of ${holder.name}: the kernel would deliver it here instead of opening it`;
    throw machineError('CONFLICT', site, 'carrier.sid', reason, 'choose an unused address of the locator');
  }
  const route = tableRoutes.find(
    ({ family, table, destination }) => family === 6 && table === 'main' && destination === sid,
  );
  if (route && !(route.words.includes('End.DT4') && route.dev === vrf)) {
    const reason = `${sid} is taken: there is a route ${sid} ${route.words.join(' ')}`;
    throw machineError('CONFLICT', site, 'carrier.sid', reason, 'each tenant has a segment of its own');
  }
  if (!segments.includes(sid)) return;
  const reason = `${sid} is this router's own segment (${site.place('carrier.sid')}): packets would come back`;
  throw machineError('CONFLICT', site, 'carrier.segments', reason, "name the other router's");
}

function refuseSource({ source }: Srv6Carrier, site: Site, { links, tunsrc }: Facts): void {
  if (tunsrc !== undefined && tunsrc !== NO_TUNSRC && tunsrc !== source) {
    const reason = `packets with segments come from ${tunsrc} in all of this network namespace (ip sr tunsrc)`;
    throw machineError('CONFLICT', site, 'carrier.source', reason, `source: ${tunsrc}, the same for every tenant`);
  }
  const own = links.some(({ addresses }) => addresses.some(({ prefix }) => prefix.startsWith(`${source}/`)));
  if (own) return;
  const here = links
    .filter(({ name }) => name !== 'lo')
    .flatMap(({ addresses }) => addresses.filter(({ family, scope }) => family === 6 && scope !== 'link'))
    .map(({ prefix }) => prefix);
  const there = here.length === 0 ? 'it has no IPv6 address' : `it has ${here.join(', ')}`;
  const reason = `no device of this machine has ${source}, and ICMP errors on the path would be lost; ${there}`;
  throw machineError('ENVIRONMENT', site, 'carrier.source', reason, `ip address add ${source}/LENGTH dev lo`);
}

function refuseRoom(spec: Srv6Carrier, site: Site, facts: Facts): void {
  const path = chooseCorePath(spec, site, facts);
  const { core, needed, room } = path;
  if (spec.cut === 'whole' && core < needed) {
    const reason = `a full packet has ${needed} bytes in IPv6, and the path into the core carries ${core}`;
    const hint = `ip link set dev ${site.underlay} mtu ${needed}, and every link of the core; or cut: auto`;
    throw machineError('ENVIRONMENT', site, 'carrier.cut', reason, hint);
  }
  if (path.cut === 'whole' || hasRoom(path)) return;
  const reason = `${spec.segments.length} segments leave ${room} of ${core} bytes for IPv4, too few for fragments`;
  throw machineError('ENVIRONMENT', site, 'carrier.segments', reason, 'fewer segments, or a larger core MTU');
}
