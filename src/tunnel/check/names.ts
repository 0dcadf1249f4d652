/** Names that are taken, and tunnels that are there already. */
import { type Facts, type Link, linkOf } from '../facts.js';
import { machineError } from '../site-error.js';
import { type Site } from '../site.js';

export function checkNames(site: Site, facts: Facts): void {
  const { bridge, tunnel } = site;
  const found = linkOf(facts, bridge.name);
  if (found && found.kind !== 'bridge') {
    const what = `${bridge.name} is there already and is no bridge, but ${kindOf(found)}`;
    throw machineError('CONFLICT', site, 'bridge.name', what, 'choose another name for the bridge');
  }
  const twin = facts.links.find((link) => link.name !== tunnel.name && isTwin(link, site));
  if (twin && site.carrier.type === 'srv6') {
    throw machineError(
      'CONFLICT',
      site,
      tunnel.key === undefined ? 'remote' : 'tunnel.key',
      `${twin.name} is a gretap from ${site.local} to ${site.remote} with the same key already; in VRFs of their own the ` +
        'kernel takes both, and gives the packets of one to the other while the first is down or gone (ip_tunnel_lookup)',
      'a tunnel.key for each tenant, the same on both ends',
    );
  }
  if (twin) {
    throw machineError(
      'CONFLICT',
      site,
      tunnel.key === undefined ? 'remote' : 'tunnel.key',
      `${twin.name} is a gretap from ${site.local} to ${site.remote} with the same key already; the kernel takes one (EEXIST)`,
      `tunnel.name: ${twin.name}, or another tunnel.key on both ends, or: ip link delete dev ${twin.name}`,
    );
  }
}

/** What `ip_tunnel_find` in net/ipv4/ip_tunnel.c takes for the same tunnel. */
function isTwin({ kind, data }: Link, { local, remote, tunnel }: Site): boolean {
  return kind === 'gretap' && data.local === local && data.remote === remote && keyOf(data.ikey) === tunnel.key;
}

/** `ip` prints keys as dotted quads, and leaves out one that is not set. */
function keyOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return undefined;
  return value.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function kindOf(link: Link): string {
  return link.kind === undefined ? 'a hardware device' : `a device of kind ${link.kind}`;
}
