/** What a site file says below `tunnel`: the keys of every type, and what becomes of them. */
import * as z from 'zod';
import { UINT16_MAX } from '../../net/protocol.js';
import { sha256 } from '../../net/sha256.js';
import { TUNNEL_TYPES, type TunnelSpec, type TunnelTypeName } from './site.js';
import { leaf, newDevice, Refused, truth, ttl, whole, word } from './values.js';

const GRE_TYPE = 'type gretap: ';
const L2TP_TYPE = 'type l2tp: ';

/** IANA's, of L2TP (RFC 3931 §4.1.2) and of VXLAN (RFC 7348 §5). */
const L2TP_PORT = 1701;
const VXLAN_PORT = 4789;

const id = whole(1, 0xffff_ffff, 'a number');
const udpPort = whole(1, UINT16_MAX, 'a UDP port');

const cookieFile = leaf('the path of a file of cookies', (text) => {
  if (/^0x/i.test(text) || /^[\da-f]{8}([\da-f]{8})?$/i.test(text) || text.includes('\n')) {
    return new Refused({ because: 'cookies have a file of their own, which only its owner can read', secret: true });
  }
  return text === '' || text.includes('\0') ? new Refused() : text;
});

const cookieBytes = leaf('4 or 8', (text): 4 | 8 | Refused => {
  if (text === '4') return 4;
  return text === '8' ? 8 : new Refused();
});

export const tunnelSchema = z.strictObject({
  type: word(TUNNEL_TYPES)
    .default('gretap')
    .describe(
      'what frames travel in: GRE; L2TPv3 without a control connection, over IPv4 or IPv6; or VXLAN, to any number of sites',
    ),
  name: newDevice.optional().describe('the device, made by up; gretap1, l2tp1 or vxlan1 unless given'),
  key: whole(0, 0xffff_ffff, 'a GRE key')
    .optional()
    .describe(`${GRE_TYPE}GRE key, the same on both ends; a label for a second tunnel between the two, not a secret`),
  pmtudisc: truth
    .default(false)
    .describe(`${GRE_TYPE}the kernel sets DF on every outer packet; it is then cleared there too`),
  ttl: ttl.optional().describe(`${GRE_TYPE}outer TTL; the inner packet's unless given`),
  match: word(['gre', 'esp'])
    .default('gre')
    .describe(`${GRE_TYPE}with tunnel.pmtudisc: which outer packets the queue takes, before or after encryption`),
  encapsulation: word(['ip', 'udp']).default('ip').describe(`${L2TP_TYPE}IP protocol 115, or UDP`),
  'tunnel-id': id
    .optional()
    .describe(`${L2TP_TYPE}of this end; made of the two addresses unless given, the same number on both ends`),
  'peer-tunnel-id': id.optional().describe(`${L2TP_TYPE}of the other end; as tunnel-id unless given`),
  'session-id': id.optional().describe(`${L2TP_TYPE}of this end; as tunnel-id unless given`),
  'peer-session-id': id.optional().describe(`${L2TP_TYPE}of the other end; as session-id unless given`),
  sublayer: word(['default', 'none'])
    .default('default')
    .describe(
      `${L2TP_TYPE}whether each packet has the 4 bytes of the Layer-2-Specific Sublayer; the same on both ends`,
    ),
  cookie: cookieFile
    .optional()
    .describe(
      `${L2TP_TYPE}a file of cookies, which clear-df tunnel keys writes: packets without the right one are dropped`,
    ),
  'cookie-size': cookieBytes.default(8).describe(`${L2TP_TYPE}bytes of each cookie`),
  port: udpPort
    .optional()
    .describe(
      `UDP port of this end; type l2tp: ${L2TP_PORT}, type vxlan: ${VXLAN_PORT} and the same on all ends, unless given`,
    ),
  'peer-port': udpPort.optional().describe(`${L2TP_TYPE}UDP port of the other end; as port unless given`),
  vni: whole(1, 0xff_ffff, 'a network identifier')
    .default(1)
    .describe('type vxlan: network identifier, the same on all ends'),
});

type Read = z.output<typeof tunnelSchema>;

const COMMON = ['type', 'name'];

/** The keys that belong to each type. */
export const TUNNEL_KEYS: Readonly<Record<TunnelTypeName, readonly string[]>> = {
  gretap: [...COMMON, 'key', 'pmtudisc', 'ttl', 'match'],
  l2tp: [
    ...[...COMMON, 'encapsulation', 'tunnel-id', 'peer-tunnel-id', 'session-id', 'peer-session-id', 'sublayer'],
    ...['cookie', 'cookie-size', 'port', 'peer-port'],
  ],
  vxlan: [...COMMON, 'vni', 'port'],
};

/** @param ends the two outer addresses, of which identifiers are made that are not given */
export function tunnelOf(read: Read, ends: readonly [string, string]): TunnelSpec {
  const { type, name = `${type}1` } = read;
  switch (type) {
    case 'gretap': {
      const { key, pmtudisc, ttl: fixed, match } = read;
      return { type, name, key, pmtudisc, ttl: fixed, match };
    }
    case 'l2tp': {
      const { encapsulation, sublayer, cookie, port = L2TP_PORT } = read;
      const tunnelId = read['tunnel-id'] ?? numberOf(ends);
      const sessionId = read['session-id'] ?? tunnelId;
      return {
        ...{ type, name, encapsulation, tunnelId, sessionId, sublayer, port },
        peerTunnelId: read['peer-tunnel-id'] ?? tunnelId,
        peerSessionId: read['peer-session-id'] ?? sessionId,
        peerPort: read['peer-port'] ?? port,
        cookie: cookie === undefined ? undefined : { file: cookie, bytes: read['cookie-size'] },
      };
    }
    case 'vxlan':
      return { type, name, vni: read.vni, port: read.port ?? VXLAN_PORT };
  }
}

/** Bits of a number that is made of two addresses: as many as every router that was looked at takes (VyOS: to 429496729). */
const NUMBER_BITS = 28;

/** The same number on both ends, another one for another pair: from 1 on. */
function numberOf(ends: readonly [string, string]): number {
  const digits = sha256([...ends].sort().join(' ')).slice(0, NUMBER_BITS / 4);
  return Math.max(1, Number.parseInt(digits, 16));
}
