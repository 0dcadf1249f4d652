/** Carriers with a device of their own: their words in a file, and what they refuse to stand beside. */
import { describe, expect, it } from 'vitest';
import { parseTableRoutes } from '../../src/host/read/routes.js';
import { ClearDfError } from '../../src/errors.js';
import { carrierOf } from '../../src/tunnel/carriers/table.js';
import type { Facts, XfrmPolicy } from '../../src/tunnel/facts.js';
import { tunnelSizes } from '../../src/tunnel/tunnel-sizes.js';
import type { CarrierSpec, EspCipher } from '../../src/tunnel/site/site.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { address, facts, link, route, site, vtiCarrier, xfrmCarrier } from './tunnel-samples.js';

const inner = { local: '10.255.0.1', remote: '10.255.0.2' };

function parsed(carrier: string): CarrierSpec {
  const head = 'local: 192.168.200.1\nremote: 172.16.0.1\nunderlay: eth1\nbridge: { ports: [eth0] }\n';
  return parseSite(`${head}carrier: ${carrier}\n`, '/etc/clear-df/site-a.yaml').carrier;
}

/** What is refused of this carrier on this machine; empty when nothing. */
function refused(carrier: CarrierSpec, parts: Partial<Facts>): string {
  try {
    carrierOf(site({ carrier })).check(facts(parts));
    return '';
  } catch (error) {
    if (error instanceof ClearDfError) return `${error.message} hint: ${error.hint ?? ''}`;
    throw error;
  }
}

const policy = (parts: Partial<XfrmPolicy>): XfrmPolicy => ({
  ...{ direction: 'out', source: '0.0.0.0/0', destination: '0.0.0.0/0', protocol: undefined },
  ...{ mode: 'tunnel', reqid: 1, transform: 'esp', ...parts },
});
const rule = (preference: number, words: string) => ({ family: 4 as const, preference, words: words.split(' ') });

describe('words of a site file', () => {
  it('has defaults that agree with each other', () => {
    const common = { keys: '/k', reqid: 3295, mark: { value: 0xcdf, mask: 0xfff }, table: 3295, priority: 3295 };
    expect(parsed('{ type: vti, keys: /k }')).toMatchObject({
      type: 'vti',
      device: 'vti1',
      inner: undefined,
      ...common,
    });
    const xfrm = { type: 'xfrm-interface', device: 'ipsec0', ifId: 3295, inner: undefined };
    expect(parsed('{ type: xfrm-interface, keys: /k }')).toMatchObject({ ...xfrm, ...common });
  });

  it('gives ESP the mark of the if_id, with as many bits as it needs', () => {
    const mark = (words: string) => (parsed(`{ type: xfrm-interface, keys: /k, ${words} }`) as { mark: object }).mark;
    expect(mark('if-id: 0x66')).toEqual({ value: 0x66, mask: 0xfff });
    expect(mark('if-id: 0x12345')).toEqual({ value: 0x12345, mask: 0xffff_ffff });
    expect(mark('if-id: 0x66, mark: 0x700/0xf00')).toEqual({ value: 0x700, mask: 0xf00 });
    expect(mark('mark: 9')).toEqual({ value: 9, mask: 0xffff_ffff });
  });

  it.each([
    ['mark: 0x10/0xf', 'bits that the mask does not cover'],
    ['mark: 0', 'the mark of every packet without one'],
    ['table: 254', "the kernel's own"],
    ['device: eth1', 'the underlay already'],
    ['inner: { local: 10.255.0.1, remote: 10.255.0.1 }', 'is an address already'],
    ['inner: { local: 192.168.200.1, remote: 10.255.0.1 }', '192.168.200.1 is an address already'],
  ])('refuses %s', (words, message) => {
    expect(() => parsed(`{ type: vti, keys: /k, ${words} }`)).toThrow(message);
  });
});

describe('sizes', () => {
  // Counted in test/lab/route-based.more.ts, where they are captured.
  it.each<[EspCipher, number, number[]]>([
    ['aes-gcm-128', 1446, [1500, 168]],
    ['aes-cbc-128-sha256', 1438, [1500, 188]],
  ])('%s: cuts once, before encryption', (cipher, mtu, wire) => {
    for (const carrier of [vtiCarrier({ cipher }), xfrmCarrier({ cipher, inner })]) {
      const sizes = tunnelSizes(site({ carrier }), facts());
      expect(sizes).toMatchObject({ outer: 1538, cutBy: carrier.device, pathMtu: mtu });
      expect(sizes.wire.map(({ length }) => length)).toEqual(wire);
      expect(sizes.wire.some(({ moreFragments }) => moreFragments)).toBe(false);
    }
  });

  it('leaves whole what fits', () => {
    const path = { dev: 'eth1', mtu: 9000, source: undefined, via: undefined };
    expect(tunnelSizes(site({ carrier: vtiCarrier() }), facts({ path })).wire).toHaveLength(1);
  });
});

describe('what stands beside it', () => {
  it('nothing conflicts on a fresh machine', () => {
    for (const carrier of [vtiCarrier(), vtiCarrier({ inner }), xfrmCarrier(), xfrmCarrier({ inner })])
      expect(refused(carrier, {})).toBe('');
  });

  it('a name that is taken: says which one is free', () => {
    const links = [link('ipsec0', { kind: 'veth' }), link('ipsec1')];
    expect(refused(xfrmCarrier({ inner }), { links })).toMatch(
      /ipsec0 is there already and is a veth device[^]*ipsec2/,
    );
  });

  it('an if_id or a pair of ends that is taken', () => {
    const ipsec = link('ipsec7', { kind: 'xfrm', data: { if_id: '0xcdf' } });
    expect(refused(xfrmCarrier({ inner }), { links: [ipsec] })).toMatch(/ipsec7 has if_id 0xcdf already/);
    expect(refused(xfrmCarrier({ inner }), { policies: [policy({ ifId: 0xcdf })] })).toMatch(
      /policies with if_id 0xcdf/,
    );
    const ends = { local: '192.168.200.1', remote: '172.16.0.1' };
    const vti = link('vti9', { kind: 'vti', data: { ...ends, ikey: '0.0.0.10', okey: '0.0.0.10' } });
    expect(refused(vtiCarrier(), { links: [vti] })).toMatch(/vti9 is a VTI .* already \(key 0xa\)/);
  });

  it('table, preference and mark of others; other bits and other tables are left alone', () => {
    const tableRoutes = [
      { family: 4 as const, table: '3295', destination: 'default', via: undefined, dev: 'wg0', words: [] },
    ];
    for (const carrier of [vtiCarrier(), xfrmCarrier()]) {
      expect(refused(carrier, { tableRoutes })).toMatch(/carrier\.table: table 3295 has a route to default already/);
      expect(refused(carrier, { rules: [rule(3295, 'from all lookup 7')] })).toMatch(
        /rule with preference 3295 already/,
      );
      // 0xcdf has bit 0, which theirs asks for; it has not bit 5 (0x20), and bit 16 is outside of our mask.
      expect(refused(carrier, { rules: [rule(100, 'from all fwmark 0x1/0x1 lookup 7')] })).toMatch(
        /both use 0x1$|both use 0x1\b/,
      );
      expect(refused(carrier, { rules: [rule(100, 'from all fwmark 0x20/0x20 lookup 7')] })).toBe('');
      expect(refused(carrier, { rules: [rule(100, 'from all fwmark 0x10000/0x10000 lookup 7')] })).toBe('');
      expect(refused(carrier, { rules: [rule(100, 'not from all fwmark 0xca6c lookup 51820')] })).toBe('');
      // No rule and no table where the device has addresses.
      expect(refused({ ...carrier, inner }, { tableRoutes, rules: [rule(3295, 'from all lookup 7')] })).toBe('');
    }
  });

  it('addresses of the device that are in use elsewhere', () => {
    const links = [link('eth2', { addresses: [address('10.255.0.9/24')] })];
    expect(refused(vtiCarrier({ inner }), { links })).toMatch(
      /inner\.local: 10\.255\.0\.1 lies in 10\.255\.0\.9\/24 on eth2/,
    );
    const routes = [route('10.255.0.2', 'via 192.168.200.254 dev eth1')];
    expect(refused(xfrmCarrier({ inner }), { routes })).toMatch(/inner\.remote: 10\.255\.0\.2 lies in 10\.255\.0\.2/);
  });

  it('global policies: a VTI refuses those that would take its GRE, an XFRM interface is spared', () => {
    const global = [policy({}), policy({ direction: 'in' }), policy({ mark: { value: 0, mask: 0xffff_ffff } })];
    for (const one of global) {
      expect(refused(vtiCarrier(), { policies: [one] })).toMatch(/a global policy .* takes GRE/);
      expect(refused(xfrmCarrier(), { policies: [one] })).toBe('');
    }
    const apart = [
      policy({ direction: 'in', mark: { value: 0, mask: 0xffff_ffff } }),
      policy({ protocol: 'tcp' }),
      policy({ source: '10.0.0.0/8', destination: '10.1.0.0/16' }),
      policy({ mark: { value: 10, mask: 0xffff_ffff } }),
      policy({ ifId: 7 }),
    ];
    expect(refused(vtiCarrier(), { policies: apart })).toBe('');
    // Inner addresses are what the GRE packets have.
    expect(
      refused(vtiCarrier({ inner }), { policies: [policy({ source: '10.0.0.0/8', destination: '10.0.0.0/8' })] }),
    ).not.toBe('');
  });

  it('other ESP between the same ends: a VTI would take it', () => {
    const state = {
      source: '172.16.0.1',
      destination: '192.168.200.1',
      protocol: 'esp',
      spi: 0x1001,
      mode: 'transport',
    };
    const states = [{ ...state, reqid: 1, digest: '' }];
    expect(refused(vtiCarrier(), { states })).toMatch(/other ESP from 172\.16\.0\.1 already \(SPI 0x1001, reqid 1\)/);
    expect(refused(vtiCarrier({ keys: 'external' }), { states })).toBe('');
    expect(refused(xfrmCarrier(), { states })).toBe('');
  });
});

describe('routes that lead nowhere', () => {
  it('are read with their type', () => {
    const text =
      'unreachable 172.16.0.1 table 3295 metric 4294967294 \n172.16.0.1 dev vti1 table 3295 scope link src 192.168.200.1';
    expect(parseTableRoutes(text, 4)).toMatchObject([
      { table: '3295', destination: '172.16.0.1', dev: '', type: 'unreachable' },
      { table: '3295', destination: '172.16.0.1', dev: 'vti1' },
    ]);
  });
});
