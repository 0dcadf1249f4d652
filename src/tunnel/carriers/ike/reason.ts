/** Why two ends do not come together, out of what charon says of an attempt. */
import type { IkeSite } from './names.js';
import { idsOf } from './swanctl-text.js';

export interface IkeFailure {
  words: string;
  hint: string;
  /** It will not get better by waiting for the other end. */
  final: boolean;
}

interface Cause extends Pick<IkeFailure, 'final'> {
  said: RegExp;
  words: (remote: string, match: RegExpExecArray) => string;
  hint: (ids: string, psk: boolean) => string;
}

const SAME_SECRET = (ids: string, psk: boolean): string =>
  psk
    ? `the two ends' files of ike.psk differ, or an identity does; here: ${ids}`
    : `an identity is not in its certificate, or the authorities differ; here: ${ids}`;
const SAME_FILE = (): string =>
  "compare the two ends: cipher, mode and carrier are the same (clear-df tunnel ike FILE prints the other's)";

/** The first that was said counts. */
const CAUSES: readonly Cause[] = [
  {
    said: /received AUTHENTICATION_FAILED/,
    words: (remote) => `${remote} refuses us: AUTHENTICATION_FAILED`,
    hint: SAME_SECRET,
    final: true,
  },
  {
    said: /tried \d+ shared keys? for .*MAC mismatched|no shared key found for|no trusted .*public key found|constraint check failed/,
    words: (remote, [said]) => `we refuse ${remote}: ${said}`,
    hint: SAME_SECRET,
    final: true,
  },
  {
    said: /no private key found for/,
    words: () => 'there is no private key for the certificate',
    hint: () => 'carrier.ike.key and carrier.ike.certificate belong together',
    final: true,
  },
  {
    said: /received (TS_UNACCEPTABLE|INVALID_SELECTORS)|no acceptable traffic selectors/,
    words: (remote) => `${remote} has a connection for other packets: TS_UNACCEPTABLE`,
    hint: SAME_FILE,
    final: false,
  },
  {
    said: /received NO_PROPOSAL_CHOSEN notify, no CHILD_SA built|no acceptable proposal found/,
    words: (remote) => `${remote} wants another cipher for ESP: NO_PROPOSAL_CHOSEN`,
    hint: SAME_FILE,
    final: false,
  },
  {
    said: /received NO_PROPOSAL_CHOSEN/,
    words: (remote) => `${remote} has no connection for us, or another cipher: NO_PROPOSAL_CHOSEN`,
    hint: () => 'bring the other end up as well; if it is up, compare the ciphers',
    final: false,
  },
  {
    said: /not established after|giving up after \d+ retransmits|retransmit \d+ of request/,
    words: (remote) => `no answer from ${remote}`,
    hint: () => 'is an IKE daemon running there, and do UDP 500 and 4500 get through in both directions?',
    final: false,
  },
];

/**
 * @param said what `swanctl --initiate` printed, on both streams
 */
export function whyNot(site: IkeSite, said: string): IkeFailure {
  const { ike } = site.carrier;
  for (const { said: pattern, words, hint, final } of CAUSES) {
    const match = pattern.exec(said);
    if (match === null) continue;
    const [own, theirs] = idsOf(site, ike);
    return { words: words(site.remote, match), hint: hint(`${own} and ${theirs}`, ike.proof.kind === 'psk'), final };
  }
  const last = said.trim().split('\n').at(-1) ?? '';
  return { words: last === '' ? 'charon does not say why' : last, hint: 'journalctl -u strongswan', final: false };
}
