/** Which tunnel devices packets are routed into, and where larger ones could come from. */
import { type Device, type Machine, known } from './machine.js';

/** `ip link`'s kinds; those of a tap device are no tunnel of IP. */
const KINDS: readonly (string | undefined)[] = [
  'gre',
  'ipip',
  'sit',
  'wireguard',
  'tun',
  'vti',
  'xfrm',
  'ip6gre',
  'ip6tnl',
  'vti6',
];

export function isRouted({ kind, data, master }: Device): boolean {
  return KINDS.includes(kind) && data['type'] !== 'tap' && master === undefined;
}

/** Devices that packets of more than `carried` bytes could come from. */
export function largerThan({ devices }: Machine, carried: number): Device[] {
  return (known(devices) ?? []).filter(
    (other) => other.up && other.name !== 'lo' && other.master === undefined && !isRouted(other) && other.mtu > carried,
  );
}
