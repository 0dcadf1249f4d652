/** Addresses of the hosts' side against those of the tunnel's ends: where they overlap, the tunnel carries itself. */
import { isInPrefix, prefixesOverlap } from '../../net/address.js';
import { type Facts, linkOf } from '../facts.js';
import { machineError } from '../site/error.js';
import { type Site } from '../site/site.js';

export function checkNetworks(site: Site, facts: Facts): void {
  const sides = [
    ...site.bridge.ports.map((name, i) => ({ name, key: `bridge.ports.${i}` })),
    { name: site.bridge.name, key: 'bridge.name' },
  ];
  const outer = networksOf(facts, site.underlay);
  for (const { name, key } of sides) {
    for (const network of networksOf(facts, name)) {
      const swallowed = (['remote', 'local'] as const).find((end) => isInPrefix(site[end], network));
      if (swallowed !== undefined) {
        throw machineError(
          'CONFLICT',
          site,
          swallowed,
          `${site[swallowed]} lies in ${network}, the network of ${name} (${site.place(key)}), which the tunnel bridges: ` +
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

/** IPv4 prefixes of a device; single addresses have no network. */
function networksOf(facts: Facts, name: string): string[] {
  const addresses = linkOf(facts, name)?.addresses ?? [];
  return addresses.filter(({ family, prefix }) => family === 4 && !prefix.endsWith('/32')).map(({ prefix }) => prefix);
}
