/** The leaves of a site file: texts that are read into values, or refused with the accepted form. */
import { oneOf } from '../../errors.js';
import * as z from 'zod';
import { IPV4_HOST_FORM, readIpv4Host } from '../../net/address.js';
import { isIpv6, readIpv6Host } from '../../net/address6.js';
import { DEVICE_NAME_MAX, isDeviceName } from '../../net/device.js';
import { UINT16_MAX } from '../../net/protocol.js';
import { parseQueueRange, QUEUE_RANGE_FORM } from '../../net/queue-range.js';
import { INSTANCE_NAME_FORM, isInstanceName } from '../../rules/spec.js';
import { isHostName } from './open-ends.js';

/** What a refused leaf says of itself; travels in `params` of zod's issue. */
export interface LeafRefusal {
  accepted: string;
  /** What is not accepted, where it is not the value: `its name`. */
  what?: string | undefined;
  /** Why it cannot be, where the accepted form alone does not say. */
  because?: string | undefined;
  hint?: string | undefined;
  /** The value may be a secret: it is not repeated. */
  secret?: boolean | undefined;
}

/** Marks a text that was not accepted. */
export class Refused {
  constructor(readonly why: Partial<LeafRefusal> = {}) {}
}

/** A text that `read` makes a value of; anything else is refused with the accepted form. */
export function leaf<T>(accepted: string, read: (text: string) => T | Refused) {
  const schema = z.unknown().transform((given, context): T => {
    const value = typeof given === 'string' ? read(given) : new Refused();
    if (!(value instanceof Refused)) return value;
    context.addIssue({ code: 'custom', params: { accepted, ...value.why } });
    return z.NEVER;
  });
  // For clear-df-site(5).
  return schema.meta({ accepted });
}

/** One of some words. @param refused words of which there is more to say than which are accepted */
export function word<const T extends string>(
  words: readonly T[],
  refused: Readonly<Record<string, Partial<LeafRefusal>>> = {},
) {
  return leaf(oneOf(words), (text) => {
    const found = words.find((candidate) => candidate === text);
    return found ?? new Refused(Object.hasOwn(refused, text) ? refused[text] : {});
  });
}

/** A whole number, decimal or `0x…`, within limits. */
export function whole(min: number, max: number, what: string) {
  return leaf(`${what}, ${min}-${max}`, (text) => {
    const number = readWhole(text);
    if (number !== undefined && number >= min && number <= max) return number;
    // What is longer than any number here may be a key that went astray.
    return new Refused({ secret: text.length > 16 });
  });
}

/** A whole number as people write it, without a sign, exponent or leading zero; or undefined. */
export function readWhole(text: string): number | undefined {
  const number = /^(0|[1-9]\d{0,15}|0x[\da-f]{1,8})$/i.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/**
 * Bytes. Hosts send packets of 576 bytes to anywhere without asking (RFC 791 §3.1, RFC 1122 §3.3.3), and a bridge has
 * no way to tell them of less.
 */
const SITE_MTU_MIN = 576;

/** Its upper limit depends on what is put around the packet: see `tunnel/check/contradictions.ts`. */
export const mtu = leaf(`bytes, from ${SITE_MTU_MIN} on`, (text) => {
  const number = /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
  if (number === undefined || number >= SITE_MTU_MIN) return number ?? new Refused();
  return new Refused({ because: 'hosts send 576 bytes to anywhere without asking (RFC 1122 §3.3.3)' });
});

export const truth = leaf('true or false', (text) => {
  if (text === 'true' || text === 'false') return text === 'true';
  return new Refused();
});

export const host = leaf(IPV4_HOST_FORM, (text) => {
  const read = readIpv4Host(text);
  return typeof read === 'string' ? read : new Refused({ because: read.hint });
});

/** One end of a tunnel. Which types take IPv6 is judged with the whole file: see `tunnel/check/contradictions.ts`. */
export const END_FORM = `${IPV4_HOST_FORM}; type l2tp: or IPv6, 2001:db8::1`;
export const end = leaf(END_FORM, readEnd);

function readEnd(text: string): string | Refused {
  const six = readIpv6Host(text);
  if (typeof six === 'string') return six;
  if (isIpv6(text)) return new Refused({ because: six.hint });
  const four = readIpv4Host(text);
  return typeof four === 'string' ? four : new Refused({ because: four.hint });
}

/** The same, or the name of a host. */
export const endOrName = leaf(`${END_FORM}; or the name of a host`, (text) =>
  isHostName(text) ? text : readEnd(text),
);

const DEVICE_FORM = `a device name of at most ${DEVICE_NAME_MAX} letters, digits and _.@%=~^-, without wildcards`;

/** A device that is there already. */
export const device = leaf(DEVICE_FORM, (text) => (isDeviceName(text) ? text : new Refused()));

/** Names that the kernel keeps for devices and directories of its own. */
const KERNELS_OWN: Record<string, string> = {
  lo: 'it is the loopback device',
  all: 'the kernel keeps it for sysctls (net.ipv4.conf.all)',
  default: 'the kernel keeps it for sysctls (net.ipv4.conf.default)',
  gre0: 'the kernel makes it with module ip_gre and it takes no addresses',
  gretap0: 'the kernel makes it with module ip_gre and it takes no addresses',
  erspan0: 'the kernel makes it with module ip_gre and it takes no addresses',
};

/** A device that `up` makes. */
export const newDevice = leaf(DEVICE_FORM, (text) => {
  if (!isDeviceName(text)) return new Refused();
  if (Object.hasOwn(KERNELS_OWN, text)) return new Refused({ because: KERNELS_OWN[text] });
  return text.includes('%') ? new Refused({ because: 'the kernel puts a number in the place of %d' }) : text;
});

export const instance = leaf(INSTANCE_NAME_FORM, (text) => (isInstanceName(text) ? text : new Refused()));

/** As `--queue`. */
export const queues = leaf(QUEUE_RANGE_FORM, (text) => {
  try {
    return parseQueueRange(text);
  } catch {
    return new Refused();
  }
});

/** As `--metrics`. */
export const metrics = leaf('ADDR:PORT such as 127.0.0.1:9857 or [::1]:9857, or off', (text) => {
  if (text === 'off') return text;
  const [, ipv6, ipv4 = '', port] = /^(?:\[([\da-fA-F:.]+)\]|([\d.]+)):(\d{1,5})$/.exec(text) ?? [];
  const known = ipv6 === undefined ? z.ipv4().safeParse(ipv4) : z.ipv6().safeParse(ipv6);
  return known.success && Number(port) <= UINT16_MAX ? text : new Refused();
});

/** Fixed TTL, or undefined for the inner packet's. */
export const ttl = leaf('1-255 or inherit', (text): number | undefined | Refused => {
  const number = readWhole(text);
  if (text === 'inherit') return undefined;
  return number !== undefined && number >= 1 && number <= 255 ? number : new Refused();
});
