/** The arithmetic of tunnels, against lengths seen on the wire and against its own rules. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ESP_CBC_SHA256, ESP_GCM, espOverhead } from '../../src/net/overhead.js';
import { fragments } from '../../src/tunnel/sizes.js';
import { tunnelSizes } from '../../src/tunnel/tunnel-sizes.js';
import type { Site } from '../../src/tunnel/site/site.js';
import { espCarrier, espInUdpCarrier, facts, site } from './tunnel-samples.js';

/**
 * Captured on Debian's 5.10 to 7.2 with an inner packet of 1500 bytes and a path of 1500; `fits` derived: outer header
 * 20, GRE 4, Ethernet 14, and for ESP 8 + IV + padding + 2 + ICV 16 (+ 20 in tunnel mode).
 */
const SEEN: { name: string; site: Site; wire: number[]; outer: number; fits: number }[] = [
  // 1500 - 38
  { name: 'GRE', site: site(), outer: 1538, wire: [1500, 58], fits: 1462 },
  // 1500 - 42
  { name: 'GRE with key', site: site({ tunnel: { key: 1 } }), outer: 1542, wire: [1500, 62], fits: 1458 },
  // 20 + 8 + 8 + 16 = 52; 1448 is a multiple of 4, less 2 of trailer and 18 of frame
  { name: 'ESP transport GCM', site: site({ carrier: espCarrier() }), outer: 1572, wire: [1500, 92], fits: 1428 },
  // 20 + 8 + 16 + 16 = 60; 1440 is a multiple of 16, less 2 and 18
  {
    name: 'ESP transport CBC, SHA-256',
    site: site({ carrier: espCarrier({ cipher: 'aes-cbc-256-sha256' }) }),
    ...{ outer: 1580, wire: [1500, 100], fits: 1420 },
  },
  // as transport, and 20 more inside
  {
    name: 'ESP tunnel GCM',
    site: site({ carrier: espCarrier({ mode: 'tunnel' }) }),
    ...{ outer: 1592, wire: [1500, 112], fits: 1408 },
  },
  // as ESP, and 8 more; 1440 is a multiple of 4
  {
    name: 'ESP in UDP, transport GCM',
    site: site({ carrier: espInUdpCarrier() }),
    ...{ outer: 1580, wire: [1500, 100], fits: 1420 },
  },
  {
    name: 'ESP in UDP, tunnel GCM',
    site: site({ carrier: espInUdpCarrier({ mode: 'tunnel' }) }),
    ...{ outer: 1600, wire: [1500, 120], fits: 1400 },
  },
];

describe('sizes', () => {
  for (const { name, site: asked, outer, wire, fits } of SEEN) {
    it(name, () => {
      const sizes = tunnelSizes(asked, facts());
      expect(sizes).toMatchObject({ inner: 1500, outer, pathMtu: 1500, fits });
      expect(sizes.wire.map(({ length }) => length)).toEqual(wire);
      expect(sizes.layers.reduce((sum, { bytes }) => sum + bytes, sizes.inner)).toBe(outer);
    });
  }

  it('finds the exact length above which packets are cut, for every path', () => {
    const sites = SEEN.map((seen) => seen.site);
    fc.assert(
      fc.property(fc.constantFrom(...sites), fc.integer({ min: 576, max: 9216 }), (asked, mtu) => {
        const path = { dev: 'eth1', mtu, source: undefined, via: undefined };
        const of = (inner: number) => tunnelSizes({ ...asked, mtu: inner }, facts({ path }));
        const { fits } = of(1500);
        expect(of(fits).wire).toHaveLength(1);
        expect(of(fits).outer).toBeLessThanOrEqual(mtu);
        expect(of(fits + 1).wire.length).toBeGreaterThan(1);
      }),
    );
  });

  it('falls back to the underlay where there is no route', () => {
    expect(tunnelSizes(site(), facts({ path: undefined })).pathMtu).toBe(1500);
    expect(tunnelSizes(site({ underlay: 'none' }), facts({ path: undefined })).pathMtu).toBe(1500);
  });
});

describe('ESP', () => {
  it('fills up to its block, with no more than a block', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), fc.constantFrom(ESP_GCM, ESP_CBC_SHA256), (payload, shape) => {
        const layers = espOverhead(payload, shape);
        const trailer = layers[2]!.bytes;
        expect((payload + trailer) % shape.align).toBe(0);
        expect(trailer).toBeGreaterThanOrEqual(2);
        expect(trailer).toBeLessThan(shape.align + 2);
        const rest = layers.filter((_, i) => i !== 2).reduce((sum, { bytes }) => sum + bytes, 0);
        expect(rest).toBe(8 + shape.iv + shape.icv);
      }),
    );
  });
});

describe('fragments', () => {
  const lengths = fc.integer({ min: 21, max: 20_000 });
  const mtus = fc.integer({ min: 68, max: 9216 });

  it('cover the datagram once, in order, in units of 8, and fit the link', () => {
    fc.assert(
      fc.property(lengths, mtus, (length, mtu) => {
        const packets = fragments(length, mtu);
        let next = 0;
        for (const [i, packet] of packets.entries()) {
          const last = i === packets.length - 1;
          expect(packet.offset).toBe(next);
          expect(packet.length).toBeLessThanOrEqual(mtu);
          expect(packet.moreFragments).toBe(!last);
          expect(packet.offset % 8).toBe(0);
          if (!last) {
            expect((packet.length - 20) % 8).toBe(0);
            // Not one unit more would have fitted.
            expect(packet.length + 8).toBeGreaterThan(mtu);
          }
          expect(packet.length).toBeGreaterThan(20);
          next += packet.length - 20;
        }
        expect(next).toBe(length - 20);
      }),
    );
  });

  it('leave whole what fits exactly', () => {
    expect(fragments(1500, 1500)).toEqual([{ length: 1500, offset: 0, moreFragments: false }]);
    expect(fragments(1501, 1500).map(({ length }) => length)).toEqual([1500, 21]);
    // 1400 - 20 = 1380 holds 172 units of 8: 1376 bytes.
    expect(fragments(1538, 1400).map(({ length }) => length)).toEqual([1396, 162]);
  });

  it('refuse a link that holds no fragment', () => {
    expect(() => fragments(100, 27)).toThrow(RangeError);
  });
});
