/** The Debian package: what is in it, what lintian says, and what it does to a machine, from installation to purge. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Architecture, ARCHITECTURES } from '../../scripts/lab/architecture.js';
import { install } from '../helpers/debian-packages.js';
import { patient } from '../helpers/slowness.js';
import { capture, expectCleared } from './capture.js';
import { ROOT } from './consumer.js';
import { Foreign } from './foreign.js';

let scratch: string;
let deb: string;

/** Runs a script in a root of its own, with the package at /mnt/clear-df.deb. */
async function inRoot(script: string): Promise<string> {
  const helper = path.join(ROOT, 'test/helpers/throw-away-root.sh');
  const { stdout } = await execa('unshare', [
    '--mount',
    '--net',
    'bash',
    helper,
    scratch,
    'bash',
    '--norc',
    '-ec',
    script,
  ]);
  return stdout;
}

const debs = (): string[] =>
  readdirSync(scratch)
    .filter((file) => file.endsWith('.deb'))
    .map((file) => path.join(scratch, file));

beforeAll(async () => {
  scratch = mkdtempSync(path.join(tmpdir(), 'clear-df-deb.'));
  const share = path.join(scratch, 'share');
  mkdirSync(share);
  await install('debhelper', 'lintian', 'g++-aarch64-linux-gnu');
  await execa('npx', ['tsx', 'scripts/prebuilds.ts'], { cwd: ROOT });
  await execa('bash', ['scripts/build-deb', scratch], { cwd: ROOT });
  const { debian } = ARCHITECTURES[process.arch as Architecture];
  deb = debs().find((file) => file.endsWith(`_${debian}.deb`)) ?? '';
  await execa('cp', [deb, path.join(share, 'clear-df.deb')]);
}, patient(600_000));

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

test('lintian has nothing to say against any of them', async () => {
  const flags = ['--allow-root', '--tag-display-limit', '0', '--fail-on', 'error,warning'];
  const { all, exitCode } = await execa('lintian', [...flags, ...debs()], { all: true, reject: false });
  expect({ said: all.split('\n').filter((line) => /^[EW]:/.test(line)), exitCode }).toEqual({ said: [], exitCode: 0 });
});

test('has the command, its pages, completions, units and examples, and no package beside them', async () => {
  const { stdout } = await execa('dpkg-deb', ['--contents', deb]);
  const files = stdout.split('\n').map((line) => line.replace(/^\S+\s+\S+\s+\S+\s+\S+\s+\S+ \./, ''));
  expect(files).toEqual(
    expect.arrayContaining([
      '/usr/bin/clear-df -> ../lib/clear-df/bin/clear-df.cjs',
      '/usr/share/man/man1/clear-df-tunnel-up.1.gz',
      '/usr/share/man/man5/clear-df-site.5.gz',
      '/usr/share/bash-completion/completions/clear-df',
      '/usr/share/zsh/vendor-completions/_clear-df',
      '/usr/share/fish/vendor_completions.d/clear-df.fish',
      '/usr/lib/systemd/system/clear-df.service',
      '/usr/lib/systemd/system/clear-df-tunnel@.service',
      '/usr/share/doc/clear-df/LICENSES.gz',
    ]),
  );
  expect(files.filter((file) => file.includes('node_modules'))).toEqual([]);
  // Nothing where merged systems have a link to below /usr.
  expect(files.filter((file) => /^\/(bin|sbin|lib)/.test(file))).toEqual([]);
  const { stdout: depends } = await execa('dpkg-deb', ['--field', deb, 'Depends']);
  for (const name of ['nodejs (>= 20.17)', 'iproute2', 'iptables', 'procps', 'libnetfilter-queue1', 'libmnl0']) {
    expect(depends).toContain(name);
  }
  const conffiles = (await execa('dpkg-deb', ['--ctrl-tarfile', deb], { encoding: 'buffer' })).stdout;
  const { stdout: listed } = await execa('tar', ['-xO', './conffiles'], { input: conffiles });
  expect(listed.split('\n')).toEqual(['/etc/clear-df/clear-df.yaml.example', '/etc/clear-df/site.yaml.example']);
});

test('installed, it runs, and its examples are accepted; purged, it leaves nothing', async () => {
  // Where packages put things; elsewhere other programs of this machine work meanwhile. dpkg's own books are its own.
  const listing = 'find /etc /usr /var/lib -path /var/lib/dpkg -prune -o -print | LC_ALL=C sort';
  const said = await inRoot(`
    ${listing} > /tmp/before
    dpkg --install /mnt/clear-df.deb >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; exit 1; }
    clear-df --version
    clear-df pcap --help | head -1
    man -w clear-df-tunnel-up 2>/dev/null || ls /usr/share/man/man1/clear-df-tunnel-up.1.gz
    ip link add gretap1 type veth peer name other
    ip link add br0 type bridge
    ip link set gretap1 master br0
    node --jitless --no-expose-wasm /usr/lib/clear-df/bin/clear-df.cjs run --config /etc/clear-df/clear-df.yaml.example --dry-run
    systemd-analyze verify clear-df.service
    systemd-analyze security clear-df.service --offline=yes | tail -1
    dpkg --purge clear-df >/tmp/dpkg 2>&1 || { cat /tmp/dpkg; exit 1; }
    ${listing} > /tmp/after
    diff /tmp/before /tmp/after && echo nothing is left`);
  expect(said).toMatch(/^\d+\.\d+\.\d+\nUsage: clear-df pcap /);
  expect(said).toContain('/usr/share/man/man1/clear-df-tunnel-up.1');
  expect(said).toContain('gretap1');
  expect(said).toMatch(/exposure level for clear-df\.service: [0-2]\.\d/);
  expect(said).toMatch(/\nnothing is left$/);
});

test('the one for arm64 clears DF in a capture, in Debian’s arm64 (emulated)', async (context) => {
  const other = debs().find((file) => file.endsWith('_arm64.deb')) ?? '';
  const system = await Foreign.create('arm64', 'stable', 'Debian').catch((error: Error) =>
    context.skip(`archive: stable of arm64: ${error.message.split('\n')[0] ?? ''}`),
  );
  try {
    await system.unpack(other);
    await system.write('/tmp/in.pcap', capture());
    const words = ['/usr/lib/clear-df/bin/clear-df.cjs', 'pcap', '/tmp/in.pcap', '/tmp/out.pcap'];
    const { exitCode, stderr } = await system.node(words);
    expect(exitCode, stderr).toBe(0);
    expectCleared(path.join(system.folder, 'tmp/out.pcap'));
  } finally {
    await system.dispose();
  }
});
