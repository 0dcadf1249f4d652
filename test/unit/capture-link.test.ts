/** Where the IP header starts behind each link layer. */
import { describe, expect, it } from 'vitest';
import { knowsLinkType, networkOffset } from '../../src/capture/link.js';

const MACS = '020000000001020000000002';
const SLL = '0000000100060200000000010000';
const SLL2 = '00000000000200010006020000000001'.padEnd(36, '0');
const V4 = '45000014';
const V6 = '60000000';

const rows: [string, number, string, number | undefined][] = [
  ['Ethernet, IPv4', 1, `${MACS}0800${V4}`, 14],
  ['Ethernet, IPv6', 1, `${MACS}86dd${V6}`, 14],
  ['Ethernet, IPv6 that says 4', 1, `${MACS}86dd${V4}`, undefined],
  ['Ethernet, ARP', 1, `${MACS}0806${V4}`, undefined],
  ['Ethernet, a length and LLC', 1, `${MACS}0026424203`, undefined],
  ['Ethernet, 802.1Q', 1, `${MACS}81000064${'0800'}${V4}`, 18],
  ['Ethernet, 802.1ad and 802.1Q', 1, `${MACS}88a80064810000c80800${V4}`, 22],
  ['Ethernet, three tags', 1, `${MACS}88a80064810000c8810000c90800${V4}`, undefined],
  ['Ethernet, cut in the tag', 1, `${MACS}81000064`, undefined],
  ['Ethernet, cut in the type', 1, `${MACS}08`, undefined],
  ['Ethernet, nothing behind the type', 1, `${MACS}0800`, 14],
  ['Ethernet, nothing behind the type of IPv6', 1, `${MACS}86dd`, undefined],
  ['raw', 101, V4, 0],
  ['raw, empty', 101, '', 0],
  ['raw, as Linux numbers it', 12, V6, 0],
  ['raw, as OpenBSD numbers it', 14, V4, 0],
  ['raw IPv4', 228, V4, 0],
  ['raw IPv6', 229, V6, 0],
  ['raw IPv6 that says 4', 229, V4, undefined],
  ['Linux cooked, IPv4', 113, `${SLL}0800${V4}`, 16],
  ['Linux cooked, tagged', 113, `${SLL}8100${'0064'}0800${V4}`, 20],
  ['Linux cooked, ARP', 113, `${SLL}0806${V4}`, undefined],
  ['Linux cooked v2, IPv4', 276, `0800${SLL2}${V4}`, 20],
  ['Linux cooked v2, IPv6', 276, `86dd${SLL2}${V6}`, 20],
  ['Linux cooked v2, tagged', 276, `8100${SLL2}00640800${V4}`, 24],
  ['Linux cooked v2, tagged twice', 276, `88a8${SLL2}00648100${'0065'}0800${V4}`, 28],
  ['Linux cooked v2, tagged thrice', 276, `88a8${SLL2}00648100${'0065'}8100${'0066'}0800${V4}`, undefined],
  ['Linux cooked v2, cut', 276, `0800${SLL2}`.slice(0, 38), undefined],
  ['loopback, little-endian IPv4', 0, `02000000${V4}`, 4],
  ['loopback, big-endian IPv4', 108, `00000002${V4}`, 4],
  ['loopback, IPv6 of FreeBSD', 0, `1c000000${V6}`, 4],
  ['loopback, IPv6 of macOS, big-endian', 0, `0000001e${V6}`, 4],
  ['loopback, another family', 0, `07000000${V4}`, undefined],
  ['loopback, cut', 0, '020000', undefined],
  ['802.11, which is not read', 105, `${MACS}0800${V4}`, undefined],
];

describe('networkOffset', () => {
  it.each(rows)('%s', (_name, linkType, hex, offset) => {
    expect(networkOffset(linkType, Buffer.from(hex, 'hex'))).toBe(offset);
  });

  it('never reads beyond the frame', () => {
    for (const [, linkType, hex] of rows) {
      const frame = Buffer.from(hex, 'hex');
      for (let length = 0; length <= frame.length; length += 1) {
        const offset = networkOffset(linkType, frame.subarray(0, length));
        expect(offset ?? 0).toBeLessThanOrEqual(length);
      }
    }
  });

  it('distinguishes link types that it knows from others', () => {
    expect([0, 1, 12, 14, 101, 108, 113, 228, 229, 276].every(knowsLinkType)).toBe(true);
    expect(knowsLinkType(105)).toBe(false);
  });
});
