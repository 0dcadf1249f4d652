/** IPv4 addresses and prefixes as people write them. */
import ipaddr from 'ipaddr.js';

/** A text that is no IPv4 prefix; `hint` is set where the accepted form alone does not help. */
export interface Refusal {
  hint?: string;
}

/** The accepted form, in words. */
export const IPV4_PREFIX_FORM = 'an IPv4 address or prefix: 192.0.2.1 or 192.0.2.0/24';

/**
 * Reads `A.B.C.D` or `A.B.C.D/N` and returns it as `A.B.C.D/N` with the host bits cleared,
 * the form in which the firewall prints it. Octal, short and hexadecimal forms are refused:
 * tools disagree on what they mean.
 */
export function readIpv4Prefix(text: string): string | Refusal {
  const [address, length, ...rest] = text.split('/');
  if (address === undefined || rest.length > 0) return {};
  if (ipaddr.IPv6.isValid(address)) {
    return { hint: 'IPv6 has no DF bit: only its source fragments (RFC 8200 §4.5)' };
  }
  if (!ipaddr.IPv4.isValidFourPartDecimal(address)) return {};
  if (length !== undefined && (!/^\d{1,2}$/.test(length) || Number(length) > 32)) return {};
  const prefix = `${address}/${Number(length ?? 32)}`;
  return `${ipaddr.IPv4.networkAddressFromCIDR(prefix).toString()}/${Number(length ?? 32)}`;
}

/** The address of a `/32` prefix, or undefined when the prefix covers more than one. */
export function singleAddress(prefix: string): string | undefined {
  const [address, length] = prefix.split('/');
  return length === '32' ? address : undefined;
}
