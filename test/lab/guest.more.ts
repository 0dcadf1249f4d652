/**
 * The lab itself: a guest is what it says it is. (That every kernel boots shows in the other stories.)
 *
 *   a eth0 10.0.0.1/24 ───── eth0 10.0.0.2/24 b      inside the guest
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { must } from '../helpers/machine.js';
import { Capture } from '../helpers/capture.js';
import { clearDf } from '../helpers/clear-df.js';
import { Lab } from '../helpers/netns.js';
import { ping } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';
import { describeKernels } from './kernels.js';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** What each prints of itself: of other suites other numbers. */
const VERSIONS: Record<string, RegExp> = {
  'swanctl --help': /^strongSwan \d.* swanctl/,
  'pki --help': /^strongSwan \d.* PKI tool/,
  'ipsec --version': /^Libreswan \d/,
  'certutil -H': /certutil/i,
  'openconnect --version': /^OpenConnect version v\d/,
  'ocserv --version': /^ocserv \d/,
  'openvpn --version': /^OpenVPN \d/,
  'wg --version': /^wireguard-tools v\d/,
  'openssl version': /^OpenSSL \d/,
  'conntrack --version': /^conntrack v\d/,
  'install --version': /^install \(GNU coreutils\) \d/,
};

describeKernels(['own'], 'a guest', (guest, series) => {
  it("runs Debian's own kernel, without a complaint", async () => {
    const uname = await must(guest(), ['uname', '-rv']);
    const { release, version: debian } = guest().kernel;
    expect(release.startsWith(`${series}.`)).toBe(true);
    expect(uname).toMatch(new RegExp(`^${release.replace(/[.+]/g, '\\$&')} #1 SMP .*Debian ${debian} `));
    expect(await guest().kernelComplaints()).toEqual([]);
  });

  it('hears a complaint of the kernel', async () => {
    const line = 'WARNING: CPU: 0 PID: 1 at net/lab.c:1';
    await must(guest(), ['sh', '-c', `echo '${line}' >/dev/kmsg`]);
    expect((await guest().kernelComplaints()).map((text) => text.replace(/^\[.*?\] /, ''))).toEqual([line]);
    await must(guest(), ['dmesg', '-c']);
  });

  it('runs clear-df', async () => {
    const { node, main } = guest();
    expect(await guest().run([node, main, '--version'])).toEqual({ stdout: version, stderr: '', exitCode: 0 });
  });

  it('has the daemons of IPsec and VPNs', async () => {
    for (const [program, version] of Object.entries(VERSIONS)) {
      const { stdout, stderr } = await guest().run(program.split(' '));
      expect(`${stdout}${stderr}`, program).toMatch(version);
    }
    await guest().modprobe('wireguard', 'tun');
  });

  it("runs strongSwan's and Libreswan's daemons, one after the other, with all they load", async () => {
    const charon = guest().spawn(['charon-systemd'], { stdout: () => {}, stderr: () => {} });
    const stats = await until('charon answers', async () => {
      const { exitCode, stdout } = await guest().run(['swanctl', '--stats']);
      return exitCode === 0 && stdout;
    });
    for (const plugin of ['aes', 'gcm', 'openssl', 'gmp', 'kernel-netlink', 'socket-default', 'vici'])
      expect(stats).toMatch(new RegExp(`loaded plugins: .*\\b${plugin}\\b`));
    charon.kill('SIGTERM');
    expect(await charon.end).toMatchObject({ exitCode: 0 });

    await must(guest(), ['ipsec', 'initnss']);
    let log = '';
    const hear = (words: string) => void (log += words);
    const pluto = guest().spawn(['/usr/libexec/ipsec/pluto', '--nofork', '--stderrlog'], {
      stdout: hear,
      stderr: hear,
    });
    await until('pluto answers', async () => {
      const { exitCode, stdout } = await guest().run(['ipsec', 'whack', '--status']);
      return exitCode === 0 && stdout.includes('using kernel interface: xfrm');
    });
    expect(log).toContain('NSS crypto library initialized');
    await must(guest(), ['ipsec', 'whack', '--shutdown']);
    expect(await pluto.end).toMatchObject({ exitCode: 0 });
  });

  it('pings and captures between namespaces, and leaves none behind', async () => {
    const lab = await Lab.create(guest());
    try {
      const [a, b] = [await lab.namespace('a'), await lab.namespace('b')];
      await lab.link({ at: a, dev: 'eth0', address: '10.0.0.1/24' }, { at: b, dev: 'eth0', address: '10.0.0.2/24' });
      const capture = await Capture.start(b, 'eth0', ['icmp']);
      expect(await ping(a, '10.0.0.2', { count: 3 })).toMatchObject({ sent: 3, received: 3 });
      // Three requests and three answers, DF on what `-M do` sent.
      const packets = await capture.stop(6);
      expect(packets).toHaveLength(6);
      const requests = packets.filter(({ source }) => source === '10.0.0.1');
      expect(requests.map(({ length, dontFragment }) => [length, dontFragment])).toEqual(Array(3).fill([1500, true]));
      const refused = await clearDf(a, ['stats']);
      expect(refused).toMatchObject({ exitCode: 4 });
    } finally {
      await lab[Symbol.asyncDispose]();
    }
    expect(await guest().namespaces()).toEqual([]);
  });

  it('carries bytes, words and ends of programs unharmed', async () => {
    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
    await guest().writeFile('/tmp/deep/bytes', bytes);
    expect((await guest().readFile('/tmp/deep/bytes')).equals(bytes)).toBe(true);
    expect(await guest().run(['cat'], { input: 'ä\nb' })).toMatchObject({ stdout: 'ä\nb', exitCode: 0 });
    expect(await guest().run(['sh', '-c', 'echo no >&2; exit 7'])).toEqual({ stdout: '', stderr: 'no', exitCode: 7 });
    expect(await guest().run(['sleep', '600'], { timeout: 500 })).toMatchObject({ exitCode: undefined });
    await expect(guest().run(['no-such-program'])).rejects.toThrow(/ENOENT/);
  });
});
