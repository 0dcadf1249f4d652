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

/** The accepted form of one end of a tunnel, in words. */
export const IPV4_HOST_FORM = 'the IPv4 address of one host: 192.0.2.1';

/** Why an address of this range (ipaddr.js's names) cannot be one end of a tunnel. */
const NOT_A_HOST: Record<string, string> = {
  unspecified: 'it means this network or none (RFC 1122 §3.2.1.3), not a host',
  broadcast: 'it is the broadcast address; a tunnel has one other end',
  multicast: 'it is a multicast group; a tunnel has one other end',
  loopback: 'it never leaves the machine',
  reserved: 'it is reserved (RFC 1112 §4, RFC 6890) and not routed',
};

/**
 * Reads `A.B.C.D` when it can be the address of one host. Octal, short and hexadecimal forms are refused, as in
 * {@link readIpv4Prefix}.
 */
export function readIpv4Host(text: string): string | Refusal {
  const [address = '', ...length] = text.split('/');
  if (ipaddr.IPv6.isValid(address)) {
    return { hint: 'the outer header is IPv4: IPv6 has no DF bit, only its source fragments (RFC 8200 §4.5)' };
  }
  if (!ipaddr.IPv4.isValidFourPartDecimal(address)) return {};
  if (length.length > 0) return { hint: `without a prefix length: ${address}` };
  const hint = NOT_A_HOST[kindOf(ipaddr.IPv4.parse(address))];
  return hint === undefined ? address : { hint };
}

/** ipaddr.js's range, but for networks of documents (RFC 5737), reserved there, which work like any other. */
function kindOf(address: ipaddr.IPv4): string {
  const [first = 0] = address.octets;
  if (first === 0) return 'unspecified';
  const range = address.range();
  return range === 'reserved' && first < 240 ? 'unicast' : range;
}

/** Whether an address lies in a prefix: `10.0.0.7` in `10.0.0.1/24`. */
export function isInPrefix(address: string, prefix: string): boolean {
  const [network, length] = ipaddr.parseCIDR(prefix);
  const host = ipaddr.parse(address);
  return host.kind() === network.kind() && host.match(network, length);
}

/** Whether two prefixes have an address in common: one of them holds the other. */
export function prefixesOverlap(a: string, b: string): boolean {
  const [first, firstLength] = ipaddr.parseCIDR(a);
  const [second, secondLength] = ipaddr.parseCIDR(b);
  return first.kind() === second.kind() && first.match(second, Math.min(firstLength, secondLength));
}
