/**
 * Frames in L2TPv3 without a control connection (RFC 3931 §4.1). The kernel does not look at the inner DF and cuts the
 * outer packet itself (`l2tp_xmit_core` sets `ignore_df`), over IPv4 and IPv6: no engine is needed.
 */
import { isIpv6 } from '../../net/address6.js';
import { l2tpOverhead } from '../../net/overhead.js';
import { PROTOCOL_NUMBERS } from '../../net/protocol.js';
import { l2tpSessionItem, l2tpTunnelItem, sameTunnel } from '../items/l2tp.js';
import { moduleItem } from '../items/module.js';
import { machineError, siteError } from '../site/error.js';
import type { L2tpTunnel, Site } from '../site/site.js';
import type { Facts } from '../facts.js';
import type { TunnelType } from './type.js';

const STAYS = 'it stays loaded, because others may use it unseen';

export const l2tp: TunnelType<L2tpTunnel> = {
  what: 'an L2TPv3 session',
  layers: ({ encapsulation, cookie, sublayer }) =>
    l2tpOverhead({ encapsulation, sublayer, cookie: cookie?.bytes ?? 0 }),
  // The kernel looks for the session by its number alone, whoever sends, to whichever address of whichever family, and in
  // protocol 115 also for one that sends in UDP (`l2tp_ip_recv`, `l2tp_ip6_recv`, `l2tp_udp_encap_recv`).
  flow({ encapsulation, port, peerPort, sessionId }) {
    const byIp = `meta l4proto ${PROTOCOL_NUMBERS.l2tp} @th,0,32 ${sessionId}`;
    return encapsulation === 'ip'
      ? { name: 'L2TPv3', protocol: 'l2tp', arrivals: [byIp] }
      : {
          ...{ name: 'L2TPv3', protocol: 'udp', ports: { local: port, remote: peerPort } },
          arrivals: [`udp dport ${port} @th,96,32 ${sessionId}`, byIp],
        };
  },
  engines: ['none'],
  carriers: ['plain', 'esp', 'esp-in-udp'],
  ipv6: true,
  several: false,
  asks: ['l2tp'],
  modules: (spec, site) => [
    moduleItem('l2tp_eth', { reason: `Ethernet in L2TPv3; ${STAYS}` }),
    ...(spec.encapsulation === 'udp'
      ? []
      : [moduleItem(isIpv6(site.local) ? 'l2tp_ip6' : 'l2tp_ip', { reason: `L2TPv3 over IP; ${STAYS}` })]),
  ],
  device: (spec, { ends, cookies }) => [
    l2tpTunnelItem(spec, {
      ...ends,
      reason: `carries sessions as ${carriedAs(spec)}; both ends are set up by hand, so no daemon runs`,
    }),
    // Without the cookies there is no session: `plan` in a program may do without the key file.
    ...(spec.cookie !== undefined && cookies === undefined
      ? []
      : [
          l2tpSessionItem(spec, {
            cookies,
            keyFile: spec.cookie?.file,
            reason:
              'carries Ethernet frames of any size: the kernel never looks at the inner DF, and cuts the outer packet itself',
          }),
        ]),
  ],
  refuse: refuseContradictions,
  check: checkTaken,
  notes: (spec, site) => [
    ...(site.carrier.type === 'plain'
      ? [
          'L2TPv3 does not encrypt, and a cookie is no signature: anyone on the path can read frames' +
            (spec.cookie === undefined
              ? ', and who guesses the session can inject some; tunnel.cookie makes that harder'
              : ''),
        ]
      : []),
    `firewalls of both routers${site.carrier.type === 'plain' ? ' and on the path' : ''} must let ${carriedAs(spec)} through, fragments included`,
    `the other end: tunnel ${spec.peerTunnelId}, session ${spec.peerSessionId}; ` +
      `clear-df tunnel peer ${site.file} --router routeros, vyos, ios or linux prints its configuration`,
  ],
};

/** `IP protocol 115`, `UDP 1701`. */
function carriedAs({ encapsulation, port, peerPort }: L2tpTunnel): string {
  if (encapsulation === 'ip') return 'IP protocol 115';
  return `UDP ${port === peerPort ? port : `${port} and ${peerPort}`}`;
}

function refuseContradictions(spec: L2tpTunnel, site: Site, given: (key: string) => boolean): void {
  const port = ['tunnel.port', 'tunnel.peer-port'].find(given);
  if (spec.encapsulation === 'ip' && port !== undefined) {
    const reason = 'IP protocol 115 has no ports';
    throw siteError(site, port, reason, 'encapsulation: udp, or leave it out');
  }
  if (spec.cookie !== undefined && site.carrier.type !== 'plain') {
    throw siteError(
      site,
      'tunnel.cookie',
      `ESP (${site.place('carrier')}) proves who has sent each packet; a cookie adds nothing to that`,
      'leave cookie out',
    );
  }
  if (spec.cookie === undefined && given('tunnel.cookie-size')) {
    throw siteError(
      site,
      'tunnel.cookie-size',
      'there is no cookie whose size it could be',
      'cookie: FILE, or leave it out',
    );
  }
}

/** Numbers and ports that something else has, on this machine. */
function checkTaken(spec: L2tpTunnel, site: Site, { l2tp: found }: Facts): void {
  const { tunnelId, sessionId, name, encapsulation, port } = spec;
  const tunnel = found?.tunnels.find((one) => one.id === tunnelId);
  if (tunnel !== undefined && !sameTunnel(tunnel, spec, site)) {
    throw machineError(
      'CONFLICT',
      site,
      'tunnel.tunnel-id',
      `there is a tunnel ${tunnelId} already, from ${tunnel.local} to ${tunnel.remote}; a number names one tunnel of this machine (EEXIST)`,
      `another tunnel-id, and the same as peer-tunnel-id on the other end; or, if it is not in use: ip l2tp del tunnel tunnel_id ${tunnelId}`,
    );
  }
  const session = found?.sessions.find((one) => one.id === sessionId);
  if (session !== undefined && (session.tunnelId !== tunnelId || session.name !== name)) {
    throw machineError(
      'CONFLICT',
      site,
      'tunnel.session-id',
      `session ${sessionId} is there already (${session.name}, in tunnel ${session.tunnelId}); what arrives has no other name than that`,
      'another session-id, and the same as peer-session-id on the other end',
    );
  }
  const neighbour = found?.tunnels.find(
    (one) => one.id !== tunnelId && one.encapsulation === 'udp' && one.port === port && one.local === site.local,
  );
  if (encapsulation === 'udp' && neighbour !== undefined) {
    throw machineError(
      'CONFLICT',
      site,
      'tunnel.port',
      `tunnel ${neighbour.id} has UDP ${port} of ${site.local} already (EADDRINUSE)`,
      'another port, and the same as peer-port on the other end',
    );
  }
}
