import { describe, expect, it } from 'vitest';
import { field, record, simulated } from '../../scripts/lab/apt.js';

describe("apt's words", () => {
  it('a simulation: names and versions of what would be installed, once each', () => {
    const output = [
      'Reading package lists...',
      'The following NEW packages will be installed:',
      '  libreswan libc6',
      'Inst libgcc-s1 (12.2.0-14+deb12u1 Debian:12.15/oldstable [amd64]) []',
      'Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])',
      'Inst openvpn [2.6.3-1] (2.6.14-0+deb12u2 Debian:12.15/oldstable, Debian-Security:12 [amd64])',
      'Inst libreswan (4.10-2+deb12u1 Debian:12.15/oldstable [amd64])',
      'Conf libgcc-s1 (12.2.0-14+deb12u1 Debian:12.15/oldstable [amd64])',
      'Remv strongswan-starter [5.9.8-5]',
    ].join('\n');
    expect([...simulated(output)]).toEqual([
      ['libgcc-s1', '12.2.0-14+deb12u1'],
      ['libc6', '2.36-9+deb12u14'],
      ['openvpn', '2.6.14-0+deb12u2'],
      ['libreswan', '4.10-2+deb12u1'],
    ]);
    expect(simulated('Reading package lists...\n').size).toBe(0);
  });

  it('a list of packages: the record of one by its whole name', () => {
    const text = '\nPackage: linux-image\nVersion: 1\n\nPackage: linux\nVersion: 2\n\nPackage: last\nVersion: 3\n';
    expect(record(text, 'linux')).toBe('Package: linux\nVersion: 2\n');
    expect(record(text, 'last')).toBe('Package: last\nVersion: 3\n');
    expect(record(text, 'image')).toBe('');
  });

  it('a record: a field by its whole name', () => {
    const text = 'Package: a\nDepends: b (>= 1), c | d\nPre-Depends: e\n';
    expect(field(text, 'Depends')).toBe('b (>= 1), c | d');
    expect(field(text, 'Pre-Depends')).toBe('e');
    expect(field(text, 'Version')).toBe('');
  });
});
