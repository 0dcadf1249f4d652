/** Names that are taken, and tunnels that are there already. */
import { carrierOf } from '../carriers/table.js';
import { type Facts, kindText, type Link, linkOf } from '../facts.js';
import { readGreKey } from '../items/tunnel-device.js';
import { machineError } from '../site/error.js';
import { gretapOf, type Site } from '../site/site.js';

export function checkNames(site: Site, facts: Facts): void {
  const { bridge, tunnel } = site;
  const found = linkOf(facts, bridge.name);
  if (found && found.kind !== 'bridge') {
    const what = `${bridge.name} is there already and is no bridge, but ${kindText(found)}`;
    throw machineError('CONFLICT', site, 'bridge.name', what, 'choose another name for the bridge');
  }
  const gretap = gretapOf(site);
  if (gretap === undefined) return;
  const twin = facts.links.find((link) => link.name !== tunnel.name && isTwin(link, site));
  if (twin && carrierOf(site).ends().dev !== undefined) {
    throw machineError(
      'CONFLICT',
      site,
      gretap.key === undefined ? 'remote' : 'tunnel.key',
      `${twin.name} is a gretap from ${site.local} to ${site.remote} with the same key already; in VRFs of their own the ` +
        'kernel takes both, and gives the packets of one to the other while the first is down or gone (ip_tunnel_lookup)',
      'a tunnel.key for each tenant, the same on both ends',
    );
  }
  if (twin) {
    throw machineError(
      'CONFLICT',
      site,
      gretap.key === undefined ? 'remote' : 'tunnel.key',
      `${twin.name} is a gretap from ${String(twin.data.local)} to ${String(twin.data.remote)} with the same key already; the kernel accepts one (EEXIST)`,
      `tunnel.name: ${twin.name}, or another tunnel.key on both ends, or: ip link delete dev ${twin.name}`,
    );
  }
}

/** What `ip_tunnel_find` in net/ipv4/ip_tunnel.c takes for the same tunnel. */
function isTwin({ kind, data }: Link, site: Site): boolean {
  const { local, remote } = carrierOf(site).ends();
  const sameEnds = data.local === local && data.remote === remote;
  return kind === 'gretap' && sameEnds && readGreKey(data.ikey) === gretapOf(site)?.key;
}
