/**
 * The single file in systems that have no Node: of this machine's architecture with real packets, of arm64 emulated.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 *
 * The router runs it, in a root of its own.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Architecture } from '../../scripts/lab/architecture.js';
import { install } from '../helpers/debian-packages.js';
import { queues } from '../helpers/kernel.js';
import { plainRouter } from '../helpers/plain-router.js';
import { patient } from '../helpers/slowness.js';
import { Systemd } from '../helpers/systemd.js';
import { forgetPathMtu, routed, SERVER } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';
import { BareSystem } from './bare-system.js';
import { capture, expectCleared } from './capture.js';
import { ROOT } from './consumer.js';

const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
let built: string;

const singleOf = (architecture: Architecture): string => path.join(built, `clear-df-${version}-linux-${architecture}`);

beforeAll(async () => {
  // Where systemd, over this machine's files, has it too.
  mkdirSync(path.join(ROOT, '.cache'), { recursive: true });
  built = mkdtempSync(path.join(ROOT, '.cache/single.'));
  await install('g++-aarch64-linux-gnu');
  for (const script of [['scripts/prebuilds.ts'], ['scripts/build-single.ts', built]]) {
    await execa('node_modules/.bin/tsx', script, { cwd: ROOT });
  }
}, patient(600_000));

afterAll(() => {
  rmSync(built, { recursive: true, force: true });
});

test('lies beside the licences of Node and of every package in it', () => {
  const text = readFileSync(path.join(built, 'LICENSES'), 'utf8');
  for (const name of ['GNU GENERAL PUBLIC LICENSE', 'Node.js is licensed', 'zod 4', 'pino 10', 'uplot 1']) {
    expect(text).toContain(name);
  }
});

describe.each<Architecture>(['x64', 'arm64'])('on %s', (architecture) => {
  let system: BareSystem;
  const packages = architecture === process.arch ? ['iproute2', 'iptables'] : [];
  beforeAll(async () => {
    system = await BareSystem.create(architecture, singleOf(architecture), packages);
  }, patient(300_000));
  afterAll(async () => system?.dispose());

  test.each(['clear_df', 'clear_df_fastpath'])('%s.node in it is the one that the tarball has', (name) => {
    const addon = readFileSync(path.join(ROOT, `prebuilds/linux-${architecture}-glibc/${name}.node`));
    expect(readFileSync(singleOf(architecture)).includes(addon)).toBe(true);
  });

  test('--version is the package’s', async () => {
    expect(await system.clearDf(['--version'])).toEqual({ exitCode: 0, stdout: version, stderr: '' });
  });

  test('pcap clears DF in a capture, and nothing of the addon is left', async () => {
    await system.write('tmp/in.pcap', capture());
    const { exitCode, stderr } = await system.clearDf(['pcap', '/tmp/in.pcap', '/tmp/out.pcap']);
    expect(exitCode, stderr).toBe(0);
    expectCleared(path.join(system.folder, 'tmp/out.pcap'));
    const left = ['tmp', 'var/tmp', 'run'].flatMap((place) => {
      const folder = path.join(system.folder, place);
      return readdirSync(folder).filter((name) => name.startsWith('clear-df-'));
    });
    expect(left).toEqual([]);
  });
});

describe('where the addon cannot be unpacked', () => {
  let system: BareSystem;
  beforeAll(async () => {
    system = await BareSystem.create(process.arch as Architecture, singleOf(process.arch as Architecture), []);
    await system.write('in.pcap', capture());
  }, patient(300_000));
  afterAll(async () => system?.dispose());

  test('says where it was tried, why not there, and what to do', async () => {
    // /tmp is noexec, all the rest read-only; /dev is empty.
    const before = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t tmpfs -o noexec none "$1/tmp"';
    const { exitCode, stdout, stderr } = await system.clearDf(['pcap', '/in.pcap', '/tmp/out.pcap'], before);
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
    expect(stderr.split('\n')).toEqual([
      'clear-df: unpack clear_df.node: it can be written and mapped nowhere (/tmp: mounted noexec; /var/tmp: EROFS; ' +
        '/run: EROFS; /dev/shm: ENOENT; /usr/local/bin: EROFS)',
      'hint: set TMPDIR to a folder that can be written, on a file system that is not mounted noexec',
    ]);
  });

  test('goes on to the next place', async () => {
    const { exitCode, stderr } = await system.clearDf(
      ['pcap', '/in.pcap', '/tmp/out.pcap'],
      'mount -t tmpfs -o noexec none "$1/tmp"',
    );
    expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});

test('ping -M do -s 1472 fails without it and passes with it', async () => {
  const own = process.arch as Architecture;
  const system = await BareSystem.create(own, singleOf(own), ['iproute2', 'iptables']);
  const { lab, client, router } = await routed();
  try {
    expect(await ping(client, SERVER, { count: 3, patience: 0.2 })).toMatchObject({ sent: 3, received: 0 });
    await forgetPathMtu(client);
    const rules = [
      '--hook',
      'prerouting',
      '--forwarded',
      '--in-dev',
      'eth0',
      '--larger-than',
      'mtu',
      '--out-dev',
      'eth1',
    ];
    const [command = '', ...words] = system.words(
      ['run', '--queue', '0', '--install-rules', ...rules],
      'mount --bind /dev "$1/dev"',
    );
    const daemon = router.spawn(command, words);
    await daemon.says(/clear-df is running/);
    expect(await ping(client, SERVER, { count: 3 })).toMatchObject({ sent: 3, received: 3 });
    // The page is in it as well, with all that it asks for.
    const get = (name: string) => router.exec('curl', ['-sf', `http://127.0.0.1:9857/${name}`]);
    const page = await get('');
    const asked = [...page.matchAll(/(?:src|href)="([^":]+)"/g)].map(([, name = '']) => name);
    expect(asked).toEqual(expect.arrayContaining(['status.css', 'status.js']));
    for (const name of asked) expect((await get(name)).length).toBeGreaterThan(100);
    expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
  } finally {
    await lab[Symbol.asyncDispose]();
    await system.dispose();
  }
});

test('bench measures, with processes of its own', async () => {
  const own = process.arch as Architecture;
  const system = await BareSystem.create(own, singleOf(own), ['iproute2', 'iptables', 'procps', 'util-linux']);
  try {
    // Its root has to be a mount: ip(8) changes how mounts propagate before it enters a network namespace.
    const before = 'mount --bind /dev "$1/dev" && mkdir -p "$1/sys" && mount --rbind "$1" "$1"';
    const { exitCode, stdout, stderr } = await system.clearDf(['bench', '--here', '--seconds', '0.1'], before);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain('What one queue takes here');
  } finally {
    await system.dispose();
  }
});

test('tunnel unit prints a unit that runs confined, without Node', async () => {
  const { lab, machine } = await plainRouter();
  await using _lab = lab;
  const single = singleOf(process.arch as Architecture);
  const site = [
    ...['name: west', 'local: 192.0.2.1', 'remote: 192.0.2.254', 'underlay: wan0', 'tunnel: { type: vxlan }'],
    ...['bridge: { name: br0, ports: [lan0] }', 'engine: nfqueue', 'queue: 0', ''],
  ].join('\n');
  const file = path.join(await lab.scratch(), 'west.yaml');
  writeFileSync(file, site);
  const unit = await machine.exec(single, ['tunnel', 'unit', file]);
  expect(unit).not.toMatch(/\bnode\b/);
  const there = '/etc/clear-df/west.yaml';
  const systemd = await Systemd.boot(machine, { 'west.service': unit.replaceAll(file, there) }, { 'west.yaml': site });
  await systemd.systemctl('start', 'west');
  const pid = await systemd.property('west', 'MainPID');
  expect((await systemd.run('cat', `/proc/${pid}/status`)).stdout).toMatch(/^NoNewPrivs:\s*1$[^]*^Seccomp:\s*2$/m);
  expect((await systemd.run('readlink', `/proc/${pid}/exe`)).stdout).toBe(single);
  expect(await queues(machine)).toHaveLength(2);
  await systemd.survives('west', 'KILL');
  await systemd.systemctl('stop', 'west');
  expect(await systemd.property('west', 'Result')).toBe('success');
});
