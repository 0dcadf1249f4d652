/** `clear-df tunnel ike`: the configuration of the other end's IKE daemon, from this end's file alone. */
import { usageError } from '../../errors.js';
import { readSecrets } from '../../host/tunnel/keys.js';
import { readSite } from '../../host/tunnel/locate.js';
import { carrierOf } from '../../tunnel/carriers/table.js';
import { PSK_WORD } from '../../tunnel/carriers/ike/items.js';
import { withIke } from '../../tunnel/carriers/ike/names.js';
import { otherEndText, type IkeDaemon } from '../../tunnel/carriers/ike/other-end-text.js';

/**
 * @param secret print the pre-shared key as well
 * @throws ClearDfError USAGE when the site does not have its keys from IKE
 */
export function tunnelIke(file: string, { daemon, secret }: { daemon: IkeDaemon; secret: boolean }): string {
  const site = readSite(file);
  const keyed = withIke(site);
  const options = carrierOf(site).ipsec();
  if (keyed === undefined || options === undefined) {
    throw usageError(site.place('carrier'), site.carrier.type, 'a carrier with ESP and a map ike', 'see docs/ike.md');
  }
  const secrets = secret ? readSecrets(site) : undefined;
  const psk = secrets !== undefined && 'psk' in secrets ? secrets.psk : PSK_WORD;
  return otherEndText(keyed, options, { daemon, psk });
}
