/** Addresses of the hosts' side against those of the tunnel's ends: where they overlap, the tunnel carries itself. */
import { isIpv6 } from '../../net/address6.js';
import { isInPrefix, prefixesOverlap } from '../../net/address.js';
import { type Address, type Facts, linkOf } from '../facts.js';
import { machineError } from '../site/error.js';
import { remotesOf, type Site } from '../site/site.js';

export function checkNetworks(site: Site, facts: Facts): void {
  const sides = [
    ...site.bridge.ports.map((name, i) => ({ name, key: `bridge.ports.${i}` })),
    { name: site.bridge.name, key: 'bridge.name' },
  ];
  const six = isIpv6(site.local);
  const ends = [
    ...remotesOf(site).map((address, i) => ({ address, key: i === 0 ? 'remote' : `remotes.${i}` })),
    { address: site.local, key: 'local' },
  ];
  const outer = networksOf(facts, site.underlay, six);
  for (const { name, key } of sides) {
    for (const network of networksOf(facts, name, six)) {
      const swallowed = ends.find(({ address }) => isInPrefix(address, network));
      if (swallowed !== undefined) {
        throw machineError(
          'CONFLICT',
          site,
          swallowed.key,
          `${swallowed.address} lies in ${network}, the network of ${name} (${site.place(key)}), which the tunnel bridges: ` +
            'it would carry its own packets',
          'the two ends need addresses outside of the bridged network',
        );
      }
      const overlap = outer.find((candidate) => prefixesOverlap(candidate, network));
      if (overlap === undefined) continue;
      throw machineError(
        'CONFLICT',
        site,
        key,
        `${network} on ${name} overlaps with ${overlap} on the underlay ${site.underlay} (${site.place('underlay')}): ` +
          'packets for one go out by the other',
        'renumber one of them, or take the address off',
      );
    }
  }
}

/** Prefixes of a device, IPv6 ones where the tunnel's ends are; single addresses have no network. */
function networksOf(facts: Facts, name: string, six: boolean): string[] {
  const addresses = linkOf(facts, name)?.addresses ?? [];
  const whole = ({ family, prefix }: Address) => prefix.endsWith(family === 4 ? '/32' : '/128');
  return addresses
    .filter((one) => !whole(one) && (one.family === 4 || (six && one.scope !== 'link')))
    .map(({ prefix }) => prefix);
}
