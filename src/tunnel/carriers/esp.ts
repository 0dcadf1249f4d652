/** GRE inside ESP (RFC 4303), with static keys or those of an IKE daemon. */
import { ESP_CBC_SHA256, ESP_GCM, type EspShape, IPV4, espOverhead } from '../../net/overhead.js';
import type { Algorithm } from '../digest.js';
import type { Item } from '../item.js';
import { xfrmPolicyItem } from '../items/xfrm-policy.js';
import { xfrmStateItem } from '../items/xfrm-state.js';
import type { DirectionKeys, Keys } from '../keys.js';
import type { EspCarrier, EspCipher, Site } from '../site.js';
import type { Carrier } from './carrier.js';

/** Bits: GCM's tag, and HMAC-SHA-256 cut to half (RFC 4868 §2.3; the kernel's own default is 96). */
const ICV_BITS = 128;

export const esp: Carrier<EspCarrier> = {
  layers({ mode, cipher }, payload) {
    const inside = mode === 'tunnel' ? [{ ...IPV4, name: 'IPv4 header of GRE, inside ESP' }] : [];
    const covered = payload + inside.reduce((sum, { bytes }) => sum + bytes, 0);
    return [...inside, ...espOverhead(covered, shapeOf(cipher)), { ...IPV4, name: 'outer IPv4 header' }];
  },
  items: (spec, site, keys) => (keys === undefined ? [] : staticItems(spec, site, keys)),
  cuts: (spec, { local, remote }) =>
    spec.keys === 'external'
      ? []
      : [`GRE between ${local} and ${remote} that is not ESP is dropped, until the other end has its half as well`],
  notes: (spec, { local, remote }) =>
    spec.keys === 'external'
      ? [
          `an IKE daemon looks after ESP: its policy must cover protocol gre (47) between ${local} and ${remote}, ` +
            `${spec.mode} mode; until it does, frames leave readable`,
        ]
      : [...staticNotes(spec), 'each end takes the keys of its file crosswise: what leaves here arrives there'],
};

/** RFC 8221 §3 and RFC 4106 §3.1 on manual keys; the counter is the kernel's `xfrm_replay_overflow`. */
function staticNotes({ cipher }: EspCarrier): string[] {
  const notes = [
    'static keys: no replay protection, and after 4294967295 packets in one direction the association stops ' +
      '(XfrmOutStateSeqError); new keys on both ends before that',
  ];
  if (isGcm(cipher)) {
    notes.push(
      'AES-GCM must never repeat an IV under one key: make new keys whenever an end has restarted (RFC 4106 §3)',
    );
  }
  return notes;
}

function staticItems({ mode, cipher, keys: keyFile, reqid }: EspCarrier, { local, remote }: Site, keys: Keys): Item[] {
  const ways = [
    { direction: 'in', source: remote, destination: local, keys: keys.in },
    { direction: 'out', source: local, destination: remote, keys: keys.out },
  ] as const;
  const states = ways.map(({ direction, source, destination, keys: { spi, ...secret } }) =>
    xfrmStateItem({
      ...{ source, destination, spi, mode, reqid, keyFile },
      algorithms: algorithmsOf(cipher, { spi, ...secret }),
      reason:
        direction === 'in'
          ? `opens what the other end has sealed (${cipher}); there before anything can arrive`
          : `seals what leaves (${cipher}); by standard input, because others can read a command line`,
    }),
  );
  const policies = ways.map(({ direction, source, destination }) =>
    xfrmPolicyItem({
      ...{ direction, source, destination, mode, reqid },
      reason:
        direction === 'in'
          ? 'GRE that did not come as ESP is dropped'
          : 'GRE to the other end goes through ESP; there before the tunnel, so that no frame leaves readable',
    }),
  );
  return [...states, ...policies];
}

/** In the words of `ip xfrm state`. */
export function algorithmsOf(cipher: EspCipher, { encryption, authentication }: DirectionKeys): Algorithm[] {
  if (isGcm(cipher)) return [{ kind: 'aead', name: 'rfc4106(gcm(aes))', key: encryption, icvBits: ICV_BITS }];
  return [
    { kind: 'enc', name: 'cbc(aes)', key: encryption },
    { kind: 'auth-trunc', name: 'hmac(sha256)', key: authentication ?? '', icvBits: ICV_BITS },
  ];
}

function isGcm(cipher: EspCipher): boolean {
  return cipher === 'aes-gcm-128' || cipher === 'aes-gcm-256';
}

function shapeOf(cipher: EspCipher): EspShape {
  return isGcm(cipher) ? ESP_GCM : ESP_CBC_SHA256;
}
