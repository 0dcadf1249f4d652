/** `clear-df tunnel peer`: the other router's configuration, from this end's file alone. */
import { usageError } from '../../errors.js';
import { readSecrets } from '../../host/tunnel/keys.js';
import { l2tpSite, peerText, type PeerRouter } from '../../tunnel/types/peer-text.js';
import { createRunner } from '../../host/exec.js';
import { locateSite } from '../../host/tunnel/locate.js';
import type { Logger } from '../../log.js';

/**
 * @param secret print the cookies as well
 * @throws ClearDfError USAGE when the tunnel is of another type, or that router cannot be its other end
 */
export async function tunnelPeer(
  file: string,
  { router, secret }: { router: PeerRouter; secret: boolean },
  log: Logger,
): Promise<string> {
  const { site } = await locateSite(file, { runner: createRunner({ log }), log });
  const found = l2tpSite(site);
  if (found === undefined) {
    const accepted = 'a tunnel of type l2tp';
    throw usageError(site.place('tunnel.type'), site.tunnel.type, accepted, 'see docs/tunnel.md');
  }
  const secrets = secret ? readSecrets(site) : undefined;
  return peerText(found, router, secrets !== undefined && 'cookies' in secrets ? secrets.cookies : undefined);
}
