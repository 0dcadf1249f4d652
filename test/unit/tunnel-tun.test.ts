/** Carrier tun: sizes inside and outside of the VPN, the rule that holds GRE to its device, and what is said. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wireguardOverhead } from '../../src/net/overhead.js';
import type { Facts } from '../../src/tunnel/facts.js';
import { isSealing } from '../../src/tunnel/item.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { tunnelSizes } from '../../src/tunnel/tunnel-sizes.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import type { Site } from '../../src/tunnel/site/site.js';
import { tablesOf } from '../helpers/nft-table.js';
import { address, facts, link, site } from './tunnel-samples.js';

function over(underlay: string): Site {
  return site({ carrier: { type: 'tun' }, underlay, local: '10.97.0.1', remote: '10.97.0.2' });
}

function machine(name: string, mtu: number, kind?: string, parts: Partial<Facts> = {}): Facts {
  const vpn = link(name, { mtu, kind, addresses: [address('10.97.0.1/24')] });
  const path = { dev: name, mtu, source: '10.97.0.1', via: undefined };
  return facts({ links: [link('eth0'), link('eth1'), vpn], path, ...parts });
}

const lengths = (packets: readonly { length: number }[]) => packets.map(({ length }) => length);

describe('sizes', () => {
  // 1538 = 1500 + 14 + 4 + 20. WireGuard: up to 16 within the MTU, 32, UDP 8, IPv4 20.
  it.each([
    // 1400 is a multiple of 8; 1420 stays, 138 → 144; + 60
    { mtu: 1420, packets: [1420, 138], wire: [1480, 204] },
    // 1360 is a multiple of 8; 178 → 192
    { mtu: 1380, packets: [1380, 178], wire: [1440, 252] },
    // 1312 is the largest multiple of 8 below 1314; 1332 → 1334, not 1344; 226 → 240
    { mtu: 1334, packets: [1332, 226], wire: [1394, 300] },
    // whole: 1538 → 1552, which 1540 cuts short
    { mtu: 1540, packets: [1538], wire: [1600] },
  ])('WireGuard with an MTU of $mtu', ({ mtu, packets, wire }) => {
    const sizes = tunnelSizes(over('wg0'), machine('wg0', mtu, 'wireguard'));
    expect(sizes).toMatchObject({ outer: 1538, pathMtu: mtu, cutBy: 'wg0' });
    expect([lengths(sizes.packets), lengths(sizes.wire)]).toEqual([packets, wire]);
    expect((packets[0] as number) + sizes.later.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(wire[0]);
  });

  it('of any other VPN are those of its device', () => {
    const sizes = tunnelSizes(over('tun0'), machine('tun0', 1334, 'tun'));
    expect([lengths(sizes.packets), lengths(sizes.wire)]).toEqual([
      [1332, 226],
      [1332, 226],
    ]);
    expect(sizes.later).toEqual([]);
  });

  it('WireGuard fills up to 16, and never beyond the MTU', () => {
    fc.assert(
      fc.property(fc.integer({ min: 68, max: 9000 }), fc.integer({ min: 20, max: 9000 }), (mtu, length) => {
        fc.pre(length <= mtu);
        const [padding, ...others] = wireguardOverhead(length, mtu).map(({ bytes }) => bytes) as [number, ...number[]];
        expect(padding).toBeGreaterThanOrEqual(0);
        expect(padding).toBeLessThan(16);
        expect((length + padding) % 16 === 0 || length + padding === mtu).toBe(true);
        expect(others.reduce((sum, bytes) => sum + bytes, 0)).toBe(60);
      }),
    );
  });
});

describe('the plan', () => {
  it('holds GRE to the device, and takes that rule away again', () => {
    const here = machine('wg0', 1420, 'wireguard');
    const item = planTunnel(over('wg0'), here).items.find(({ kind }) => kind === 'nft-table');
    expect(item?.key).toBe('nft-table inet clear_df_site-a');
    expect(item?.apply(here)[0]?.input).toContain(
      'ip saddr 10.97.0.1 ip daddr 10.97.0.2 ip protocol 47 oifname != "wg0" counter drop comment "clear-df:site-a"',
    );
    expect(item?.undo(here)).toEqual([{ argv: ['nft', 'delete', 'table', 'inet', 'clear_df_site-a'], mayFail: true }]);
    expect(item?.status(here).state).toBe('differs');
    const tables = tablesOf(item === undefined ? [] : [item], here);
    expect(item?.status({ ...here, tables }).state).toBe('in-sync');
  });

  it.each([
    { route: '/24 of the main table', covering: { table: 'main', length: 24 }, guards: ['gre-rule'] },
    { route: 'the default of a table of its own', covering: { table: '51820', length: 0 }, guards: ['gre-rule'] },
    {
      route: 'the default of the main table',
      covering: { table: 'main', length: 0 },
      guards: ['xfrm-guard', 'xfrm-pass'],
    },
  ])('has a second guard where the route is $route', ({ covering, guards }) => {
    const here = machine('wg0', 1420, 'wireguard', { covering: { dev: 'wg0', ...covering } });
    const { items, notes } = planTunnel(over('wg0'), here);
    const sealing = items.map(({ kind }) => kind).filter((kind) => isSealing(kind));
    expect(sealing).toEqual([...guards, 'nft-table']);
    expect(notes.some((note) => note.includes('until up has run again'))).toBe(guards.includes('xfrm-pass'));
  });

  it('works without it where there is no nft, and notes it', () => {
    const { items, notes } = planTunnel(over('wg0'), machine('wg0', 1420, 'wireguard', { tables: undefined }));
    expect(items.some(({ kind }) => kind === 'nft-table')).toBe(false);
    expect(notes.filter((note) => note.includes('nft cannot be read here'))).toHaveLength(1);
  });

  it.each([
    { kind: 'wireguard', said: /allowed-ips must hold 10\.97\.0\.2/, silent: /no VPN/ },
    { kind: 'tun', said: /whoever looks after vpn0 encrypts/, silent: /WireGuard/ },
    { kind: 'xfrm', said: /cuts to that/, silent: /no VPN/ },
    { kind: 'veth', said: /vpn0 is a veth, no VPN/, silent: /encrypts/ },
    { kind: undefined, said: /vpn0 is hardware, no VPN/, silent: /encrypts/ },
  ])('says what a device of kind $kind is', ({ kind, said, silent }) => {
    const { notes } = planTunnel(over('vpn0'), machine('vpn0', 1400, kind));
    expect(notes.join('\n')).toMatch(said);
    expect(notes.join('\n')).not.toMatch(silent);
  });

  it('is read from a file', () => {
    const text = 'local: 10.97.0.1\nremote: 10.97.0.2\nunderlay: wg0\nbridge: { ports: [eth0] }\ncarrier: tun\n';
    expect(parseSite(text, '/etc/clear-df/site-a.yaml').carrier).toEqual({ type: 'tun' });
  });

  it.each(['wireguard', 'openvpn', 'OpenConnect'])('carrier %s is another word for it', (word) => {
    const text = `local: 10.97.0.1\nremote: 10.97.0.2\nunderlay: wg0\nbridge: { ports: [eth0] }\ncarrier: ${word}\n`;
    expect(() => parseSite(text, '/etc/clear-df/site-a.yaml')).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: 'carrier: tun, with the device of the VPN as underlay' }),
    );
  });
});
