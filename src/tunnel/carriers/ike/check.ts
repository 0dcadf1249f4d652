/** strongSwan, where the site has its keys from it. */
import type { Facts } from '../../facts.js';
import { ikeOf } from './names.js';
import { machineError } from '../../site/error.js';
import type { Site } from '../../site/site.js';

/** UDP port behind which both daemons expect ESP (RFC 3948 §2.1). */
const NAT_PORT = 4500;

export function checkIke(site: Site, { ike }: Facts): void {
  const { carrier } = site;
  if (ikeOf(carrier) === undefined) return;
  if (carrier.type === 'esp-in-udp' && (carrier.port !== NAT_PORT || carrier.remotePort !== NAT_PORT)) {
    throw machineError(
      'ENVIRONMENT',
      site,
      'carrier.port',
      `IKE daemons put ESP into UDP by port ${NAT_PORT} only`,
      `port: ${NAT_PORT}`,
    );
  }
  if ('inner' in carrier && carrier.inner === undefined) {
    throw machineError(
      'ENVIRONMENT',
      site,
      'carrier.ike',
      `all that goes to ${site.remote} is routed into ${carrier.device}, IKE's own packets included, which cannot leave before there are keys`,
      'give the device inner addresses',
    );
  }
  if (ike?.silent === undefined) return;
  throw machineError('ENVIRONMENT', site, 'carrier.ike', ike.silent.reason, ike.silent.hint);
}
