/** What every carrier with ESP in it is made of (RFC 4303): layers, and states and policies, wherever its keys come from. */
import { ESP_CBC_SHA256, ESP_GCM, espOverhead, type EspShape, IPV4 } from '../../../net/overhead.js';
import { type Algorithm, type StateOptions, xfrmStateItem } from '../../items/xfrm-state.js';
import type { Item } from '../../item.js';
import { type PolicyOptions, xfrmPolicyItem } from '../../items/xfrm-policy.js';
import { typeOf } from '../../types/table.js';
import type { DirectionKeys, Keys } from '../../keys.js';
import { siteError } from '../../site/error.js';
import { type EspCipher, type EspKeying, remotesOf, type Site } from '../../site/site.js';
import type { Layer } from '../../sizes.js';
import type { CarrierContext, EspOptions } from '../carrier.js';
import { ikeItems } from '../ike/items.js';

/** Bits: GCM's tag, and HMAC-SHA-256 cut to half (RFC 4868 §2.3; the kernel's own default is 96). */
const ICV_BITS = 128;

/** None with keys `external`, and where the secrets are not known. */
export function espItems(spec: EspKeying, { site, keys, psk }: CarrierContext, options: EspOptions): Item[] {
  if (spec.ike !== undefined) return ikeItems(spec, site, psk, options);
  return keys === undefined ? [] : staticItems(spec, site, keys, options);
}

/** What the person should know of its keys. */
export function espNotes(spec: EspKeying): string[] {
  if (hasStaticKeys(spec)) return staticNotes(spec);
  if (spec.ike === undefined) return [];
  return [
    'IKE uses UDP 500 and 4500 between the two ends: firewalls have to let both through, and ESP (50)',
    "the policies are charon's: it removes them when it stops, and packets sent meanwhile are lost; when it starts, it " +
      'has to read its files again (swanctl --load-all; the service strongswan of Debian does)',
    "the other end's half is printed by clear-df tunnel ike FILE --swanctl, or --libreswan",
  ];
}

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

/** States first, what arrives before what leaves; then the policies, so that no frame leaves unencrypted. */
export function staticItems(spec: EspKeying, site: Site, keys: Keys, options: EspOptions): Item[] {
  const { local, remote } = site;
  const { mode, common = {}, ports, bothFamilies = false, outputMark, policy = {}, forward = false } = options;
  const { cipher, reqid } = spec;
  const selector = policy.selector ?? typeOf(site).flow();
  const flows = {
    in: { source: remote, destination: local, keys: keys.in },
    out: { source: local, destination: remote, keys: keys.out },
  } as const;
  const states = (['in', 'out'] as const).map((direction) => {
    const { keys: own, ...ends } = flows[direction];
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
    const { source, destination } = flows[direction === 'out' ? 'out' : 'in'];
    return families.map((family) =>
      xfrmPolicyItem({
        ...{ direction, source, destination, family, mode, reqid, ...common, ...policy, selector },
        reason: policyReason(direction, selector),
      }),
    );
  });
  return [...states, ...policies];
}

/** As they stand in the packets of each direction. */
function encapOf(direction: 'in' | 'out', { local, remote }: { local: number; remote: number }): StateOptions['encap'] {
  return direction === 'out' ? { source: local, destination: remote } : { source: remote, destination: local };
}

function policyReason(direction: PolicyOptions['direction'], selector: PolicyOptions['selector']): string {
  if (selector === 'any') {
    return direction === 'out'
      ? 'what enters the device leaves as ESP; installed before the device, so that nothing bypasses it'
      : 'what comes out of the device has come as ESP';
  }
  return direction === 'out'
    ? `${selector.name} to the other end goes through ESP; installed before the tunnel, so that no frame leaves unencrypted`
    : `${selector.name} that did not come as ESP is dropped`;
}

/** In the words of `ip xfrm state`. */
function algorithmsOf(cipher: EspCipher, { encryption, authentication }: DirectionKeys): Algorithm[] {
  if (isGcm(cipher)) return [{ kind: 'aead', name: 'rfc4106(gcm(aes))', key: encryption, icvBits: ICV_BITS }];
  return [
    { kind: 'enc', name: 'cbc(aes)', key: encryption },
    { kind: 'auth-trunc', name: 'hmac(sha256)', key: authentication ?? '', icvBits: ICV_BITS },
  ];
}

/** RFC 8221 §3 and RFC 4106 §3.1 on manual keys; the counter is the kernel's `xfrm_replay_overflow`. */
function staticNotes({ cipher }: EspKeying): string[] {
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

/** UDP ports of IKE (RFC 7296 §2), and of ESP behind a NAT (RFC 3948): a daemon's. */
const IKE_PORTS: readonly number[] = [500, 4500];

/**
 * A policy for the tunnel's own UDP would be for what carries it, or for what makes its keys, as well: neither would ever
 * arrive.
 */
function refusePorts(spec: EspKeying & { port?: number; remotePort?: number }, site: Site): void {
  const { ports } = typeOf(site).flow();
  if (ports === undefined) return;
  const carriers = [spec.port, spec.remotePort];
  for (const [key, port] of [
    ['tunnel.port', ports.local],
    ['tunnel.peer-port', ports.remote],
  ] as const) {
    const own = carriers.includes(port);
    if (!own && (hasStaticKeys(spec) || !IKE_PORTS.includes(port))) continue;
    const whose = own ? `of ESP in UDP as well (${site.place('carrier')})` : 'of the IKE daemons';
    throw siteError(site, key, `UDP ${port} is that ${whose}`, 'another port, on all ends');
  }
}

/** What keys of this kind cannot do: a file has those of two ends, and a daemon gives its own reqid. */
export function refuseKeying(spec: EspKeying, site: Site, given: (key: string) => boolean): void {
  const others = remotesOf(site).length;
  refusePorts(spec, site);
  if (hasStaticKeys(spec) && others > 1) {
    throw siteError(
      site,
      'carrier.keys',
      `a key file has the keys of two ends, and this tunnel has ${others} other ends (${site.place('remotes')})`,
      'ike: { psk: FILE } makes keys for each pair; or keys: external',
    );
  }
  if (spec.ike?.remoteId !== undefined && others > 1) {
    throw siteError(
      site,
      'carrier.ike.remote-id',
      `it names one other end, and there are ${others} (${site.place('remotes')})`,
      'leave it out, and give each certificate the address of its router (subjectAltName)',
    );
  }
  if (spec.keys !== 'external' || !given('carrier.reqid')) return;
  throw siteError(
    site,
    'carrier.reqid',
    `states and policies are the daemon's with keys: external (${site.place('carrier.keys')}), and so is reqid`,
    'leave reqid out',
  );
}
