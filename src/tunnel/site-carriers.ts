/** The carriers that a site file may name. A new one is a schema here and a type in `site.ts`; nothing else reads them. */
import { z } from 'zod';
import { leaf, Refused, type LeafRefusal, whole, word } from './site-words.js';

/** Ours unless told otherwise: daemons count from 1 (strongSwan) or 16384 (Libreswan), so it meets none of theirs. */
const DEFAULT_REQID = 3295;

const keys = leaf('the path of a key file, or external', (text) => {
  const inline = /^(0x|0s)/i.test(text) || /^[\da-f]{32,}$/i.test(text) || text.includes('\n');
  if (inline)
    return new Refused({ because: 'keys have a file of their own, which only its owner can read', secret: true });
  return text === '' || text.includes('\0') ? new Refused() : text;
});

/** Schemas by the carrier's word; `type` is taken off before. */
export const CARRIERS = {
  plain: z.strictObject({}).transform(() => ({ type: 'plain' as const })),
  esp: z
    .strictObject({
      mode: word(['transport', 'tunnel']).default('transport'),
      cipher: word(['aes-gcm-128', 'aes-gcm-256', 'aes-cbc-128-sha256', 'aes-cbc-256-sha256']).default('aes-gcm-256'),
      keys,
      reqid: whole(1, 0xffff_ffff, 'a number').default(DEFAULT_REQID),
    })
    .transform((parts) => ({ type: 'esp' as const, ...parts })),
} as const;

export type CarrierType = keyof typeof CARRIERS;

export function isCarrierType(text: unknown): text is CarrierType {
  return typeof text === 'string' && Object.hasOwn(CARRIERS, text);
}

/** Carriers that people ask for and that cannot be, each with its reason. */
export const REFUSED_CARRIERS: Record<string, Pick<LeafRefusal, 'because' | 'hint'>> = {
  ah: {
    // RFC 4302 §3.3.3.1.1.1 and net/ipv4/ah4.c: flags, offset, TTL, TOS and checksum count as zero, all else is covered.
    because:
      'AH authenticates the outer identification (RFC 4302 §3.3.3.1.1.1): once AH is on, a packet whose DF is cleared ' +
      'cannot be numbered any more, and where it has identification 0 its fragments get mixed up with others',
    hint: 'use carrier esp: it authenticates what it carries as well, and leaves the outer header free',
  },
};
