/** IPv6 addresses as people write them. */
import ipaddr from 'ipaddr.js';
import type { Refusal } from './address.js';

/** The accepted form, in words. */
export const IPV6_HOST_FORM = 'the IPv6 address of one host: 2001:db8::1';

/** Why an address of this range (ipaddr.js's names) is none that a core routes to. */
const NOT_ROUTED: Record<string, string> = {
  unspecified: 'it means no address (RFC 4291 §2.5.2)',
  loopback: 'it never leaves the machine',
  multicast: 'it is a multicast group; a packet goes to one router',
  linkLocal: 'it is good on one link only (RFC 4291 §2.5.6)',
  ipv4Mapped: 'it stands for an IPv4 address (RFC 4291 §2.5.5.2)',
};

/** Whether an address as people write it is IPv6. */
export function isIpv6(address: string): boolean {
  return address.includes(':');
}

/** Reads an address that a core routes to, and returns it as RFC 5952 and `ip` write it. */
export function readIpv6Host(text: string): string | Refusal {
  const [address = '', ...length] = text.split('/');
  if (!ipaddr.IPv6.isValid(address) || address.includes('%') || address.includes('.')) return {};
  const parsed = ipaddr.IPv6.parse(address);
  if (length.length > 0) return { hint: `without a prefix length: ${address}` };
  const hint = NOT_ROUTED[parsed.range()];
  return hint === undefined ? parsed.toRFC5952String() : { hint };
}
