/** What a VTI cannot stand beside. */
import type { Facts, Link } from '../facts.js';
import { readGreKey } from '../gre-key.js';
import { hex } from '../mark.js';
import { machineError } from '../site-error.js';
import type { Site, VtiCarrier } from '../site.js';
import { checkDeviceName } from './carrier-device.js';

export function checkVti(spec: VtiCarrier, site: Site, facts: Facts): void {
  checkDeviceName(site, spec.device, 'vti', facts);
  refuseTwin(spec, site, facts);
  refuseOtherEsp(spec, site, facts);
}

/** `ip_tunnel_find` takes one VTI for a pair of ends and a key; what arrives is told apart by the ends alone. */
function refuseTwin({ device }: VtiCarrier, site: Site, { links }: Facts): void {
  const sameEnds = ({ kind, data }: Link) =>
    kind === 'vti' && data['local'] === site.local && data['remote'] === site.remote;
  const twin = links.find((link) => link.name !== device && sameEnds(link));
  if (twin === undefined) return;
  const key = readGreKey(twin.data['okey']);
  throw machineError(
    'CONFLICT',
    site,
    'carrier',
    `${twin.name} is a VTI from ${site.local} to ${site.remote} already${key === undefined ? '' : ` (key ${hex(key)})`}: ` +
      'what arrives is matched by the two addresses alone',
    `ip link delete dev ${twin.name} if it is not in use; or carrier: xfrm-interface`,
  );
}

/** `vti_rcv` takes every ESP packet between its ends, whoever's association it has. */
function refuseOtherEsp({ keys }: VtiCarrier, site: Site, { states }: Facts): void {
  if (keys === 'external' || keys === 'ike') return;
  const { local, remote } = site;
  const other = states.find(
    ({ source, destination, protocol }) => protocol === 'esp' && source === remote && destination === local,
  );
  if (other === undefined) return;
  throw machineError(
    'CONFLICT',
    site,
    'carrier',
    `there is other ESP from ${remote} already (SPI ${hex(other.spi)}, reqid ${other.reqid}): a VTI takes all of it, and ` +
      'drops what its own policies do not cover (XfrmInNoPols)',
    'carrier: xfrm-interface can coexist with it; or give this tunnel another pair of addresses',
  );
}
