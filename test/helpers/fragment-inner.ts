/**
 * A tunnel over a WAN that loses every fragment: `article.ts` draws the network; here w drops what is a fragment, whichever
 * side it comes from, and counts it.
 *
 * `fragment: inner` cuts a host's packet before the tunnel. With VXLAN, 50 bytes around each (Ethernet 14, VXLAN 8, UDP 8,
 * IPv4 20), the port has 1500 - 50 - 4 = 1446, 4 for a VLAN tag. A packet of 1500 is 20 + 1480: pieces of 20 + 1424 (the most
 * in units of 8 within 1446) and 20 + 56, which leave as 1494 and 126. With gretap, 38 around: 1458, pieces of
 * 20 + 1432 and 20 + 48, which leave as 1490 and 106.
 */
import { expect } from 'vitest';
import { type Article, HOST_B } from './article.js';
import { Capture, type Captured } from './capture.js';
import { ruleCounter } from './kernel.js';
import type { Namespace } from './netns.js';
import { ping } from './traffic.js';
import { type SiteOptions, type TunnelEnd, tunnelEnds } from './tunnel.js';
import { until } from './until.js';

const LOST = 'fragments';

/** Of the outer packets of one host's packet of 1500, by type of tunnel. */
export const WIRE = { vxlan: [1494, 126], gretap: [1490, 106] } as const;

/** From now on w drops every fragment. @param from iptables' words, where only some are lost */
export async function loseFragments({ w }: Pick<Article, 'w'>, from: readonly string[] = []): Promise<void> {
  await w.exec('iptables', [
    ...['-t', 'raw', '-A', 'PREROUTING', ...from, '-m', 'u32', '--u32', '4&0x3fff=1:0x3fff'],
    ...['-m', 'comment', '--comment', LOST, '-j', 'DROP'],
  ]);
}

/** How many w has dropped. */
export async function fragmentsLost({ w }: Pick<Article, 'w'>): Promise<number> {
  return (await ruleCounter(w, LOST)).packets;
}

type EndOptions = SiteOptions & { fragment?: string };

/** Both ends of a tunnel of this type, cut before it unless `fragment` says otherwise. */
export async function innerEnds(
  net: Article,
  type: keyof typeof WIRE,
  a: EndOptions = {},
  b = a,
): Promise<[TunnelEnd, TunnelEnd]> {
  const of = ({ fragment = 'inner', more = [], ...options }: EndOptions): SiteOptions => ({
    ...options,
    more: [`tunnel: { type: ${type} }`, `fragment: ${fragment}`, ...more],
  });
  return tunnelEnds(net, of(a), of(b));
}

/** Three pings of 1500 bytes with DF pass; each request leaves router A as planned, and nothing outside is a fragment. */
export async function expectCutBefore(net: Article, [near]: readonly TunnelEnd[], planned: readonly number[]) {
  if (near === undefined) throw new Error('there is no end');
  expect(await near.plannedLengths()).toEqual(planned);
  const wan = await Capture.start(net.w, 'eth0', ['ip', 'and', 'src', 'host', '192.168.200.1']);
  expect(await ping(net.hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
  const packets = await wan.stop(3 * planned.length);
  const pieces = packets.map(({ length }) => length).filter((length) => planned.includes(length));
  expect(pieces.sort((a, b) => b - a)).toEqual([...planned].sort((a, b) => b - a).flatMap((one) => [one, one, one]));
  expect(packets.filter(isFragment)).toEqual([]);
}

export function isFragment({ offset, moreFragments }: Captured): boolean {
  return offset > 0 || moreFragments;
}

/** Turns IPv6 on at one device. */
export async function withIpv6(host: Namespace, address: string, dev = 'eth0'): Promise<void> {
  await host.sysctl({ [`net.ipv6.conf.${dev}.accept_dad`]: 0, [`net.ipv6.conf.${dev}.disable_ipv6`]: 0 });
  await host.ip('address', 'add', `${address}/64`, 'dev', dev, 'nodad');
}

/** A router advertisement (RFC 4861 §4.2) with the option MTU and lifetime 0: a link's MTU, and no default router. */
const ADVERTISE = `
import socket, struct, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
index = socket.if_nametoindex(sys.argv[1])
# Type 134, code, checksum (the kernel fills it in), hop limit, flags, lifetime, two times; option 5 of 8 bytes.
packet = struct.pack('!BBHBBHIIBBHI', 134, 0, 0, 0, 0, 0, 0, 0, 5, 1, 0, int(sys.argv[2]))
s.sendto(packet, ('ff02::1', 0, 0, index))
`;

/** Tells the hosts behind a device what the link carries, as the IPv6 router of the segment can. */
export async function advertiseMtu(router: Namespace, dev: string, mtu: number): Promise<void> {
  await router.sysctl({ [`net.ipv6.conf.${dev}.accept_dad`]: 0, [`net.ipv6.conf.${dev}.disable_ipv6`]: 0 });
  await until(`${dev} has a link-local address`, async () =>
    (await router.ip('-6', 'address', 'show', 'dev', dev)).includes('fe80'),
  );
  await router.exec('python3', ['-c', ADVERTISE, dev, String(mtu)]);
}
