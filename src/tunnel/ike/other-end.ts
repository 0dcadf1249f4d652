/** A site as the other end has to see it. */
import type { EspSite } from './names.js';

/** Addresses and identities crosswise; all that both ends share stays. */
export function otherEnd<S extends EspSite>(site: S): S {
  const { local, remote, carrier } = site;
  const { ike } = carrier;
  const crossed = ike && { ...ike, localId: ike.remoteId, remoteId: ike.localId };
  return { ...site, local: remote, remote: local, carrier: { ...carrier, ike: crossed } };
}
