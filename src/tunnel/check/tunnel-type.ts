/** What does not go with the type of the tunnel, whatever the machine is like. */
import { oneOf } from '../../errors.js';
import { isIpv6 } from '../../net/address6.js';
import { IPV6_MTU_MIN } from '../../net/protocol.js';
import { typeOf, typesThat } from '../types/table.js';
import { siteError } from '../site/error.js';
import { remotesOf, type Site } from '../site/site.js';
import { TUNNEL_KEYS } from '../site/tunnel.js';

/**
 * Refuses keys, ends, carriers and sizes that a tunnel of this type has not.
 * @param given whether a key stands in the file
 * @throws ClearDfError USAGE with the place of the value
 */
export function refuseOfType(site: Site, given: (key: string) => boolean): void {
  refuseKeys(site, given);
  refuseEnds(site, given);
  refuseCarrier(site);
  refusePathMtu(site);
}

/** Keys of another type of tunnel. */
function refuseKeys(site: Site, given: (key: string) => boolean): void {
  const { type } = site.tunnel;
  const known = TUNNEL_KEYS[type];
  for (const [other, keys] of Object.entries(TUNNEL_KEYS)) {
    const stray = keys.find((key) => !known.includes(key) && given(`tunnel.${key}`));
    if (stray === undefined) continue;
    throw siteError(
      site,
      `tunnel.${stray}`,
      `it belongs to tunnel type ${other}, and this one is ${type}; expected one of ${known.join(', ')}`,
      `leave it out, or type: ${other}`,
    );
  }
}

/** How many other ends there are, and of which family. */
function refuseEnds(site: Site, given: (key: string) => boolean): void {
  const { type } = site.tunnel;
  const { ipv6, several } = typeOf(site);
  if (given('remote') && given('remotes')) {
    throw siteError(site, 'remotes', `there is remote as well (${site.place('remote')})`, 'one of the two');
  }
  if (given('remotes') && !several) {
    const reason = `a tunnel of type ${type} has one other end`;
    throw siteError(site, 'remotes', reason, `remote: ADDRESS; or type: ${typesThat((type) => type.several)}`);
  }
  const ends = [
    { key: 'local', address: site.local },
    ...remotesOf(site).map((address, i) => ({ key: given('remotes') ? `remotes.${i}` : 'remote', address })),
  ];
  const six = ends.find(({ address }) => isIpv6(address));
  if (six !== undefined && !ipv6) {
    throw siteError(
      site,
      six.key,
      `'${six.address}' is not accepted: the outer header of type ${type} is IPv4: IPv6 has no DF bit, only its source ` +
        'fragments (RFC 8200 §4.5), and refuses what is too large',
      `an IPv4 address; or tunnel: { type: ${typesThat((type) => type.ipv6)} }, which carries full-size frames over IPv6`,
    );
  }
  const other = ends.find(({ address }) => isIpv6(address) !== isIpv6(site.local));
  if (other === undefined) return;
  throw siteError(
    site,
    other.key,
    `${other.address} and ${site.local} (${site.place('local')}) are of two families`,
    'IPv4 on both ends, or IPv6 on both',
  );
}

function refuseCarrier(site: Site): void {
  const tunnelType = typeOf(site);
  const { carriers } = tunnelType;
  const { type } = site.carrier;
  if (!carriers.includes(type)) {
    throw siteError(
      site,
      'carrier',
      `${type} carries GRE, and the tunnel is of type ${site.tunnel.type} (${site.place('tunnel.type')}); expected ${oneOf(carriers)}`,
      'carrier: plain with a VPN as underlay, or one of those; or type: gretap',
    );
  }
  if (type === 'plain' || !isIpv6(site.local)) return;
  throw siteError(
    site,
    'carrier',
    `${type} carries ${tunnelType.flow().name} in IPv4, and the ends are IPv6 (${site.place('local')})`,
    'IPv4 on both ends; or carrier: plain, and encrypt what it sends by an IPsec of your own or a VPN as underlay',
  );
}

function refusePathMtu(site: Site): void {
  const { pathMtu, tunnel, fragment } = site;
  if (pathMtu === undefined) return;
  if (tunnel.type !== 'l2tp' && fragment === 'outer') {
    throw siteError(
      site,
      'path-mtu',
      `type ${tunnel.type} sends IPv4 without DF, which routers on the path cut again; path-mtu belongs to type l2tp, or fragment: inner`,
      'leave path-mtu out; or fragment: inner, where the path loses fragments',
    );
  }
  if (!isIpv6(site.local) || pathMtu >= IPV6_MTU_MIN) return;
  throw siteError(
    site,
    'path-mtu',
    `${pathMtu} is not accepted: every IPv6 path carries ${IPV6_MTU_MIN} (RFC 8200 §5)`,
  );
}
