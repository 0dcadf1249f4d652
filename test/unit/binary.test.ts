/** Which binary fits, and what is told where none does. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { libcOf } from '../../src/native/binary.js';
import { needs } from '../../src/native/distribution.js';

const mapped = (file: string) => `7f0a1c000000-7f0a1c014000 r-xp 00000000 08:01 131                        ${file}\n`;

describe('the C library of a process', () => {
  it.each([
    ['musl', mapped('/lib/ld-musl-aarch64.so.1')],
    ['musl', mapped('/lib/libc.so')],
    ['glibc', mapped('/usr/lib/x86_64-linux-gnu/libc.so.6')],
    ['glibc', mapped('/lib64/libc-2.31.so')],
    ['glibc', mapped('/usr/lib/x86_64-linux-gnu/libc.so.6') + mapped('/opt/libc.so/other.so')],
    ['glibc', ''],
  ])('is %s by what is mapped (%#)', (libc, maps) => {
    expect(libcOf(mapped('/usr/bin/node') + maps)).toBe(libc);
  });

  it('of this machine is glibc, which the tests need', () => {
    expect(libcOf(readFileSync('/proc/self/maps', 'utf8'))).toBe('glibc');
  });
});

describe('what is to be installed', () => {
  it.each([
    ['Debian', 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n', 'apt-get install g++ ', 'libnetfilter-queue1'],
    ['Ubuntu', 'ID=ubuntu\nID_LIKE=debian\n', 'apt-get install g++ ', 'libnetfilter-queue1'],
    ['Alpine', "ID='alpine'\n", 'apk add bash g++ ', 'apk add libnetfilter_queue '],
    ['Rocky', 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', 'dnf install gcc-c++ ', 'dnf install libnetfilter_queue'],
    ['openSUSE', 'ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', 'zypper install ', 'libnetfilter_queue1'],
    ['Arch', 'ID=arch\n', 'pacman -S --needed base-devel ', 'pacman -S libnetfilter_queue'],
    ['no known system', 'NAME=x\nVARIANT_ID=debian\n', 'install bash, a C++ compiler', 'install libnetfilter_queue'],
    ['a system without os-release', '', 'install bash, a C++ compiler', 'install libnetfilter_queue'],
  ])('on %s goes by its names', (_, release, build, run) => {
    expect(needs(release).build).toContain(build);
    expect(needs(release).build).toMatch(/( &&|, then:)$/);
    expect(needs(release).run).toContain(run);
  });
});
