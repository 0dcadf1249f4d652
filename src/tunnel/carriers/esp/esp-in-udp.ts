/** The tunnel inside ESP inside UDP (RFC 3948): ESP as carrier `esp` has it, 8 bytes more, and a socket that must be held. */
import { UDP } from '../../../net/overhead.js';
import type { EspCarrier, EspInUdpCarrier } from '../../site/site.js';
import type { Carrier, EspOptions } from '../carrier.js';
import { esp } from './esp.js';
import { espItems, hasStaticKeys, refuseKeying } from './keying.js';
import { pairsOf } from '../ike/names.js';
import { xfrmGuards } from '../guard.js';

export const espInUdp: Carrier<EspInUdpCarrier> = {
  layers(spec, payload, site) {
    const layers = esp.layers(bare(spec), payload, site);
    return [...layers.slice(0, -1), UDP, ...layers.slice(-1)];
  },
  ipsec: optionsOf,
  guards: (_spec, site, facts) => xfrmGuards(site, facts, pairsOf(site), 'by-policy'),
  refuse: refuseKeying,
  check: (spec, site, facts) => esp.check?.(bare(spec), site, facts),
  items: (spec, context) => espItems(spec, context, optionsOf(spec)),
  // An IKE daemon has a socket of its own.
  socket: (spec, { local, remote }) =>
    hasStaticKeys(spec)
      ? { local, port: spec.port, remote, remotePort: spec.remotePort, keepalive: spec.keepalive }
      : undefined,
  cuts: (spec, site) => esp.cuts(bare(spec), site),
  notes: (spec, site, facts) => [
    ...esp.notes(bare(spec), site, facts),
    ...(hasStaticKeys(spec) ? staticNotes(spec) : []),
    ...(spec.keys === 'external' ? [daemonNote(spec)] : []),
  ],
};

function optionsOf({ mode, port, remotePort }: EspInUdpCarrier): EspOptions {
  return { mode, ports: { local: port, remote: remotePort } };
}

function bare(spec: EspInUdpCarrier): EspCarrier {
  return { ...spec, type: 'esp' };
}

function staticNotes({ port, remotePort, mode }: EspInUdpCarrier): string[] {
  return [
    `ESP in UDP arrives only while clear-df tunnel up runs: it holds UDP port ${port}, which the kernel needs and no ` +
      'command of iproute2 can hold; what comes there and is no ESP (IKE) is discarded',
    'firewalls of both routers and on the path must let UDP ' +
      `${port === remotePort ? port : `${port} and ${remotePort}`} through, fragments included`,
    mode === 'transport'
      ? "behind a NAT: the other end's file has the NAT's address as remote and the port that it gives as remote-port, " +
        'fixed: static keys learn no port'
      : 'through a NAT only mode transport works: in tunnel mode the inner header keeps the address before it',
  ];
}

function daemonNote({ port, remotePort }: EspInUdpCarrier): string {
  return (
    `the IKE daemon holds the UDP socket and sends the keepalives; it must be configured to put ESP in UDP also where there ` +
    `is no NAT (strongSwan: encap = yes), ports ${port} and ${remotePort}`
  );
}
