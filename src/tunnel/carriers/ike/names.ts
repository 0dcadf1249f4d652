/** What the IKE daemons know a tunnel by, and where its files are. */
import type { CarrierSpec, EspKeying, IkeSpec, Site } from '../../site/site.js';

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

/** Every file that the configuration of a site's IKE is made of or made from, absolute. */
export function ikeFiles(site: Pick<Site, 'name' | 'carrier'>): string[] {
  const { configuration, ...copies } = swanctlFiles(site);
  const proof = ikeOf(site.carrier)?.proof;
  if (proof === undefined) return [];
  if (proof.kind === 'psk') return [configuration];
  return [configuration, ...Object.values(copies), proof.certificate, proof.authority, proof.key];
}
