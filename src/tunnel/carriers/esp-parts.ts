/** What every carrier with ESP in it is made of (RFC 4303): layers, and states and policies with static keys. */
import { ESP_CBC_SHA256, ESP_GCM, type EspShape, espOverhead, IPV4 } from '../../net/overhead.js';
import type { Algorithm } from '../digest.js';
import type { Item } from '../item.js';
import { type PolicyOptions, xfrmPolicyItem } from '../items/xfrm-policy.js';
import { type StateOptions, xfrmStateItem } from '../items/xfrm-state.js';
import type { DirectionKeys, Keys } from '../keys.js';
import type { EspCipher, EspKeying, EspMode, Site } from '../site.js';
import type { Layer } from '../sizes.js';

/** Bits: GCM's tag, and HMAC-SHA-256 cut to half (RFC 4868 §2.3; the kernel's own default is 96). */
const ICV_BITS = 128;

/** Keys that come from a file of ours. */
export function hasStaticKeys({ keys }: EspKeying): boolean {
  return keys !== 'external' && keys !== 'ike';
}

/** ESP around this many bytes, without the outer IPv4 header. */
export function espLayers(covered: number, cipher: EspCipher): Layer[] {
  return espOverhead(covered, isGcm(cipher) ? ESP_GCM : (ESP_CBC_SHA256 satisfies EspShape));
}

/** ESP in tunnel mode around a whole IPv4 packet, outer header and all. */
export function espTunnelLayers(packet: number, cipher: EspCipher): Layer[] {
  return [...espLayers(packet, cipher), { ...IPV4, name: 'outer IPv4 header' }];
}

/** What differs between carriers, with static keys and with IKE. */
export interface EspOptions {
  mode: EspMode;
  /** On both states and policies. */
  common?: Pick<StateOptions & PolicyOptions, 'ifId'>;
  /** Of ESP in UDP: ours and the other end's. */
  ports?: { local: number; remote: number };
  /** IPv6 as well as IPv4. */
  bothFamilies?: boolean;
  /** On what leaves, once it is ESP. */
  outputMark?: StateOptions['outputMark'];
  policy?: Pick<PolicyOptions, 'mark' | 'selector'>;
  /** A policy for what is forwarded, too. */
  forward?: boolean;
}

/** States first, what arrives before what leaves; then the policies, so that no frame leaves unencrypted. */
export function staticItems(spec: EspKeying, { local, remote }: Site, keys: Keys, options: EspOptions): Item[] {
  const { mode, common = {}, ports, bothFamilies = false, outputMark, policy = {}, forward = false } = options;
  const { cipher, reqid } = spec;
  const ways = {
    in: { source: remote, destination: local, keys: keys.in },
    out: { source: local, destination: remote, keys: keys.out },
  } as const;
  const states = (['in', 'out'] as const).map((direction) => {
    const { keys: own, ...ends } = ways[direction];
    const encap = ports && encapOf(direction, ports);
    const marked = direction === 'out' && outputMark !== undefined ? { outputMark } : {};
    return xfrmStateItem({
      ...{ ...ends, spi: own.spi, mode, reqid, bothFamilies, keyFile: spec.keys, ...common, encap, ...marked },
      algorithms: algorithmsOf(cipher, own),
      reason:
        direction === 'in'
          ? `opens what the other end has sealed (${cipher}); there before anything can arrive`
          : `seals what leaves (${cipher}); by standard input, because others can read a command line`,
    });
  });
  const directions = ['in', ...(forward ? (['fwd'] as const) : []), 'out'] as const;
  const families = bothFamilies ? ([4, 6] as const) : ([4] as const);
  const policies = directions.flatMap((direction) => {
    const { source, destination } = ways[direction === 'out' ? 'out' : 'in'];
    return families.map((family) =>
      xfrmPolicyItem({
        ...{ direction, source, destination, family, mode, reqid, ...common, ...policy },
        reason: policyReason(direction, policy.selector),
      }),
    );
  });
  return [...states, ...policies];
}

/** As they stand in the packets of each direction. */
function encapOf(direction: 'in' | 'out', { local, remote }: { local: number; remote: number }): StateOptions['encap'] {
  return direction === 'out' ? { source: local, destination: remote } : { source: remote, destination: local };
}

function policyReason(direction: PolicyOptions['direction'], selector: PolicyOptions['selector'] = 'gre'): string {
  if (selector === 'any') {
    return direction === 'out'
      ? 'what enters the device leaves as ESP; installed before the device, so that nothing bypasses it'
      : 'what comes out of the device has come as ESP';
  }
  return direction === 'out'
    ? 'GRE to the other end goes through ESP; installed before the tunnel, so that no frame leaves unencrypted'
    : 'GRE that did not come as ESP is dropped';
}

/** In the words of `ip xfrm state`. */
export function algorithmsOf(cipher: EspCipher, { encryption, authentication }: DirectionKeys): Algorithm[] {
  if (isGcm(cipher)) return [{ kind: 'aead', name: 'rfc4106(gcm(aes))', key: encryption, icvBits: ICV_BITS }];
  return [
    { kind: 'enc', name: 'cbc(aes)', key: encryption },
    { kind: 'auth-trunc', name: 'hmac(sha256)', key: authentication ?? '', icvBits: ICV_BITS },
  ];
}

/** RFC 8221 §3 and RFC 4106 §3.1 on manual keys; the counter is the kernel's `xfrm_replay_overflow`. */
export function staticNotes({ cipher }: EspKeying): string[] {
  const notes = [
    'static keys: no replay protection, and after 4294967295 packets in one direction the association stops ' +
      '(XfrmOutStateSeqError); new keys on both ends before that',
  ];
  if (isGcm(cipher)) {
    notes.push(
      'AES-GCM must never repeat an IV under one key: make new keys whenever an end has restarted (RFC 4106 §3)',
    );
  }
  return [...notes, 'the two ends use in and out crosswise: what one sends the other receives'];
}

function isGcm(cipher: EspCipher): boolean {
  return cipher === 'aes-gcm-128' || cipher === 'aes-gcm-256';
}
