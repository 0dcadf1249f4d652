/** Where the network header starts in a captured frame, for each link layer (tcpdump.org/linktypes.html). */

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const VLAN = 0x8100;
const SERVICE_VLAN = 0x88a8;
const MAX_VLAN_TAGS = 2;

type Locate = (frame: Uint8Array) => number | undefined;

const raw: Locate = () => 0;

const LINK_TYPES: ReadonlyMap<number, Locate> = new Map<number, Locate>([
  [0, loopback], // LINKTYPE_NULL
  [1, (frame) => afterEtherType(frame, 12)], // LINKTYPE_ETHERNET
  [12, raw], // DLT_RAW as most systems number it
  [14, raw], // DLT_RAW of OpenBSD
  [101, raw], // LINKTYPE_RAW
  [108, loopback], // LINKTYPE_LOOP
  [113, (frame) => afterEtherType(frame, 14)], // LINKTYPE_LINUX_SLL
  [228, raw], // LINKTYPE_IPV4
  [229, (frame) => ipv6Only(frame, 0)], // LINKTYPE_IPV6
  [276, cookedV2], // LINKTYPE_LINUX_SLL2
]);

/** Whether packets of this link type can be read at all. */
export function knowsLinkType(linkType: number): boolean {
  return LINK_TYPES.has(linkType);
}

/**
 * Offset of the IPv4 or IPv6 header in a frame; it may equal the frame's length when nothing after the link header
 * was captured.
 * @returns undefined when the frame carries something else, is too short to tell, or is of an unknown link type
 */
export function networkOffset(linkType: number, frame: Uint8Array): number | undefined {
  return LINK_TYPES.get(linkType)?.(frame);
}

/** The type field is at `at`, the payload right behind it, but for VLAN tags (IEEE 802.1Q, 802.1ad). */
function afterEtherType(frame: Uint8Array, first: number, tags = MAX_VLAN_TAGS): number | undefined {
  for (let at = first; at <= first + 4 * tags && at + 2 <= frame.length; at += 4) {
    const type = u16(frame, at);
    if (type === IPV4) return at + 2;
    if (type === IPV6) return ipv6Only(frame, at + 2);
    if (type !== VLAN && type !== SERVICE_VLAN) return undefined;
  }
  return undefined;
}

/** Linux cooked v2: protocol at 0, payload after 20 bytes; a VLAN tag is part of the payload. */
function cookedV2(frame: Uint8Array): number | undefined {
  if (frame.length < 20) return undefined;
  const type = u16(frame, 0);
  if (type === IPV4) return 20;
  if (type === IPV6) return ipv6Only(frame, 20);
  if (type !== VLAN && type !== SERVICE_VLAN) return undefined;
  return afterEtherType(frame, 22, MAX_VLAN_TAGS - 1);
}

/** BSD loopback: the address family in four bytes, in the byte order of whoever captured it. */
function loopback(frame: Uint8Array): number | undefined {
  if (frame.length < 4) return undefined;
  const big = u16(frame, 0) === 0 ? u16(frame, 2) : undefined;
  const little = u16(frame, 2) === 0 ? (frame[0] ?? 0) | ((frame[1] ?? 0) << 8) : undefined;
  switch (big ?? little) {
    case 2: // AF_INET everywhere
      return 4;
    case 10: // AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, macOS
    case 24:
    case 28:
    case 30:
      return ipv6Only(frame, 4);
    default:
      return undefined;
  }
}

/**
 * A header announced as IPv6 that says version 4 belongs to no one: an IPv6 receiver drops it, and the rules must not
 * take it for IPv4.
 */
function ipv6Only(frame: Uint8Array, offset: number): number | undefined {
  return (frame[offset] ?? 0) >> 4 === 6 ? offset : undefined;
}

function u16(frame: Uint8Array, at: number): number {
  return ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
}
