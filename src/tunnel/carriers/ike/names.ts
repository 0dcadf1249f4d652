/** What the IKE daemons know a tunnel by, and where its files are. */
import { mayHaveSeveral } from '../../types/table.js';
import { type CarrierSpec, type EspKeying, type IkeSpec, remotesOf, type Site } from '../../site/site.js';

/** A site whose carrier has ESP in it. */
export type EspSite = Site & { carrier: Extract<Site['carrier'], EspKeying> };

/** A site whose ESP has its keys from IKE. */
export type IkeSite = EspSite & { carrier: { ike: IkeSpec } };

/** How the ends prove who they are, where keys come from IKE. */
export function ikeOf(carrier: CarrierSpec): IkeSpec | undefined {
  return 'keys' in carrier ? carrier.ike : undefined;
}

/** The site, when its keys come from IKE. */
export function withIke(site: Site): IkeSite | undefined {
  return ikeOf(site.carrier) === undefined ? undefined : (site as IkeSite);
}

/**
 * A site as one of each other end: IKE and policies know pairs. Where there may be several, each has a name of its own,
 * which stays when others come and go.
 */
export function pairsOf<S extends Pick<Site, 'name' | 'tunnel' | 'remote' | 'moreRemotes'>>(site: S): S[] {
  if (!mayHaveSeveral(site.tunnel.type)) return [site];
  return remotesOf(site).map((remote) => ({
    ...site,
    ...{ name: `${site.name}-${remote.replaceAll('.', '-')}`, remote, moreRemotes: undefined },
  }));
}

/** Name of the connection and of its one child, in both daemons. */
export function connectionName({ name }: Pick<Site, 'name'>): string {
  return `clear-df-${name}`;
}

/** strongSwan's own folder; Debian's AppArmor lets charon and swanctl read nothing outside of it. */
const SWANCTL = '/etc/swanctl';

/** Files of strongSwan that are the tunnel's: in folders that swanctl reads unasked. */
export function swanctlFiles(site: Pick<Site, 'name'>) {
  const name = connectionName(site);
  return {
    configuration: `${SWANCTL}/conf.d/${name}.conf`,
    certificate: `${SWANCTL}/x509/${name}.pem`,
    authority: `${SWANCTL}/x509ca/${name}.pem`,
    key: `${SWANCTL}/private/${name}.pem`,
  };
}

/** As much of a site as its connections are known by. */
export type ConnectedSite = Pick<Site, 'name' | 'tunnel' | 'remote' | 'moreRemotes' | 'carrier'>;

/** Every file that the configuration of a site's IKE is made of or made from, absolute. */
export function ikeFiles(site: ConnectedSite): string[] {
  const proof = ikeOf(site.carrier)?.proof;
  if (proof === undefined) return [];
  const given = proof.kind === 'psk' ? [] : [proof.certificate, proof.authority, proof.key];
  const own = pairsOf(site).flatMap((pair) => {
    const { configuration, ...copies } = swanctlFiles(pair);
    return proof.kind === 'psk' ? [configuration] : [configuration, ...Object.values(copies)];
  });
  return [...own, ...given];
}
