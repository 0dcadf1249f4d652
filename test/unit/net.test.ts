import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { readIpv4Prefix, singleAddress } from '../../src/net/address.js';
import { isDeviceName } from '../../src/net/device.js';

describe('IPv4 prefixes', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1/32'],
    ['192.0.2.1/32', '192.0.2.1/32'],
    ['192.0.2.129/24', '192.0.2.0/24'],
    ['10.255.255.255/9', '10.128.0.0/9'],
    ['1.2.3.4/0', '0.0.0.0/0'],
  ])('reads %s as %s', (text, prefix) => {
    expect(readIpv4Prefix(text)).toBe(prefix);
  });

  it.each([
    '',
    '10.1',
    '0x7f.0.0.1',
    '010.0.0.1',
    '256.0.0.1',
    '1.2.3.4/33',
    '1.2.3.4/-1',
    '1.2.3.4/8/8',
    '1.2.3.4 ',
    'a',
  ])('refuses %j', (text) => {
    expect(readIpv4Prefix(text)).toEqual({});
  });

  it('says why IPv6 is refused', () => {
    expect(readIpv4Prefix('2001:db8::1')).toMatchObject({ hint: expect.stringContaining('no DF bit') as string });
  });

  it('always covers the address it was read from, and reads its own output as it is', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, length) => {
        const prefix = readIpv4Prefix(`${address}/${length}`) as string;
        expect(ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(prefix))).toBe(true);
        expect(readIpv4Prefix(prefix)).toBe(prefix);
      }),
    );
  });

  it('distinguishes a single address from a prefix', () => {
    expect(singleAddress('192.0.2.1/32')).toBe('192.0.2.1');
    expect(singleAddress('192.0.2.0/31')).toBeUndefined();
  });
});

describe('device names', () => {
  it.each(['lo', 'gretap1', 'eth0.100', 'br-lan', 'veth_a', 'a23456789012345'])('takes %s', (name) => {
    expect(isDeviceName(name)).toBe(true);
  });

  it.each([
    '',
    '.',
    '..',
    'a234567890123456',
    'a b',
    'a/b',
    'a:b',
    'eth+',
    'eth*',
    '-o',
    '!eth0',
    'a"b',
    'a\nb',
    'a\\b',
    'é',
  ])('refuses %j', (name) => {
    expect(isDeviceName(name)).toBe(false);
  });
});
