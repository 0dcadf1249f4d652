/** The carriers that a site file may name: the schema of each one's map. Its type is in `site.ts`. */
import * as z from 'zod';
import type { EspCipher, EspKeying } from './site.js';
import { srv6Schema } from './srv6.js';
import { inner, markOf, VTI, XFRM_INTERFACE } from './route-based.js';
import { leaf, Refused, type LeafRefusal, whole, word } from './values.js';

/** Our default: daemons count from 1 (strongSwan) or 16384 (Libreswan), so it meets none of theirs. */
const DEFAULT_REQID = 3295;
const HOUR = 3600;
/** Seconds (RFC 3948 §4). */
const KEEPALIVE = 20;

const file = leaf('the path of a file', (text) => (text === '' || text.includes('\0') ? new Refused() : text));

const keys = leaf('the path of a key file, or external', (text) => {
  const inline = /^(0x|0s)/i.test(text) || /^[\da-f]{32,}$/i.test(text) || text.includes('\n');
  if (inline)
    return new Refused({ because: 'keys have a file of their own, which only its owner can read', secret: true });
  return text === '' || text.includes('\0') ? new Refused() : text;
});

/** That of IKE and ESP behind a NAT (RFC 3948 §2). */
const udpPort = whole(1, 65_535, 'a UDP port').default(4500);

/** As certificates and daemons know the two ends: an address, a name, or `user@name`. */
const identity = leaf('an address, a host name or an e-mail address', (text) =>
  /^[\w.@:-]{1,120}$/.test(text) ? text : new Refused(),
);

/** How the ends prove who they are: `psk`, or the other three. Exactly one: see {@link keyingOf}. */
const ike = z.strictObject({
  psk: file.optional().describe('the pre-shared key; clear-df tunnel keys writes one'),
  certificate: file.optional().describe('instead of psk, with key and authority: PEM'),
  key: file.optional().describe('the private key of the certificate'),
  authority: file.optional().describe('who has signed the certificates of both ends'),
  'local-id': identity.optional().describe("this end's identity; its address unless given"),
  'remote-id': identity.optional().describe("the other end's identity; its address unless given"),
  rekey: whole(20, 24 * HOUR, 'seconds')
    .default(HOUR)
    .describe('until ESP gets new keys'),
});

/** What every carrier with ESP has. Exactly one of `keys` and `ike`. */
const KEYING = {
  cipher: word(['aes-gcm-128', 'aes-gcm-256', 'aes-cbc-128-sha256', 'aes-cbc-256-sha256'])
    .default('aes-gcm-256')
    .describe('the same on both ends'),
  keys: keys
    .optional()
    .describe('static keys, which clear-df tunnel keys writes; external: another program looks after ESP'),
  reqid: whole(1, 0xffff_ffff, 'a number').default(DEFAULT_REQID).describe('ties policies to states'),
  ike: ike.optional().describe('keys by IKE, from strongSwan on this router, which up sets up'),
} as const;

interface KeyingInput {
  cipher: EspCipher;
  keys?: string | undefined;
  reqid: number;
  ike?: z.output<typeof ike> | undefined;
}

/** @returns what the carrier's own keys are put together with, or undefined where it was refused */
function keyingOf({ cipher, keys, reqid, ike }: KeyingInput, context: z.RefinementCtx): EspKeying {
  const refuse = (path: string, params: LeafRefusal): never => {
    context.addIssue({ code: 'custom', path: [path], params });
    return z.NEVER;
  };
  if (ike === undefined) {
    if (keys === undefined) return refuse('keys', { accepted: 'the path of a key file, or external; or a map ike' });
    return { cipher, keys, reqid, ike: undefined };
  }
  if (keys !== undefined) {
    return refuse('keys', {
      accepted: 'either keys or ike',
      because: 'IKE makes keys of its own',
      hint: 'leave keys out',
    });
  }
  const { psk, certificate, key, authority, rekey } = ike;
  const accepted = 'either psk: FILE, or certificate, key and authority';
  const ids = { localId: ike['local-id'], remoteId: ike['remote-id'], rekey };
  if (psk !== undefined && [certificate, key, authority].every((part) => part === undefined)) {
    return { cipher, keys: 'ike', reqid, ike: { proof: { kind: 'psk', file: psk }, ...ids } };
  }
  if (psk !== undefined || certificate === undefined || key === undefined || authority === undefined) {
    return refuse('ike', { accepted, secret: true });
  }
  return { cipher, keys: 'ike', reqid, ike: { proof: { kind: 'certificate', certificate, key, authority }, ...ids } };
}

const mode = word(['transport', 'tunnel']).default('transport').describe('of ESP');

/** Schemas by the carrier's word; `type` is taken off before. */
export const CARRIERS = {
  plain: z
    .strictObject({})
    .transform(() => ({ type: 'plain' as const }))
    .describe('GRE as it is'),
  esp: z
    .strictObject({ mode, ...KEYING })
    .transform(({ mode, ...keying }, context) => ({ type: 'esp' as const, mode, ...keyingOf(keying, context) }))
    .describe('GRE in ESP, by policies'),
  'esp-in-udp': z
    .strictObject({
      mode,
      port: udpPort.describe("this end's"),
      'remote-port': udpPort.describe("the other end's"),
      keepalive: whole(0, 24 * HOUR, 'seconds')
        .default(KEEPALIVE)
        .describe('between NAT keepalives; 0 for none'),
      ...KEYING,
    })
    .transform(({ mode, port, 'remote-port': remotePort, keepalive, ...keying }, context) => ({
      ...{ type: 'esp-in-udp' as const, mode, port, remotePort, keepalive },
      ...keyingOf(keying, context),
    }))
    .describe('GRE in ESP in UDP, where ESP does not get through or a NAT is in between'),
  srv6: srv6Schema,
  tun: z
    .strictObject({})
    .transform(() => ({ type: 'tun' as const }))
    .describe('GRE into the device of a VPN that runs already: the underlay'),
  vti: z
    .strictObject({ ...VTI, ...KEYING })
    .transform(({ device, inner, mark, table, priority, ...keying }, context) => ({
      ...{ type: 'vti' as const, device, inner, mark: markOf(mark), table, priority },
      ...keyingOf(keying, context),
    }))
    .describe('GRE into a VTI device, out of it as ESP'),
  'xfrm-interface': z
    .strictObject({ ...XFRM_INTERFACE, ...KEYING })
    .transform(({ device, inner, mark, table, priority, 'if-id': ifId, ...keying }, context) => ({
      ...{ type: 'xfrm-interface' as const, device, ifId, inner, mark: markOf(mark, ifId), table, priority },
      ...keyingOf(keying, context),
    }))
    .describe('GRE into an XFRM interface, out of it as ESP'),
} as const;

/** The maps inside a carrier's map, by their keys. */
export const CARRIER_MAPS: Record<string, { shape: object }> = { ike, inner };

type CarrierType = keyof typeof CARRIERS;

export function isCarrierType(text: unknown): text is CarrierType {
  return typeof text === 'string' && Object.hasOwn(CARRIERS, text);
}

const VPN = {
  because: 'a VPN is looked after by a daemon of its own',
  hint: 'carrier: tun, with the device of the VPN as underlay',
};

/** Carriers that people ask for and that cannot be, each with its reason. */
export const REFUSED_CARRIERS: Record<string, Pick<LeafRefusal, 'because' | 'hint'>> = {
  ah: {
    // RFC 4302 §3.3.3.1.1.1 and net/ipv4/ah4.c: flags, offset, TTL, TOS and checksum count as zero, all else is covered.
    because:
      'AH authenticates the outer identification (RFC 4302 §3.3.3.1.1.1): once AH is on, a packet whose DF is cleared ' +
      'cannot be numbered any more, and where it has identification 0 its fragments get mixed up with others',
    hint: 'use carrier esp: it authenticates what it carries as well, and leaves the outer header free',
  },
  ...{ wireguard: VPN, openvpn: VPN, openconnect: VPN },
};
