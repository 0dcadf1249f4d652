/**
 * The tarball in other systems: arm64 under emulation, Debian's oldest supported release, one that has another C library
 * than the binaries are for, and a big-endian one (s390x, emulated), for which the addons are built as they would be
 * there. Installed without install scripts by this machine's npm; everything behind that runs inside.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ownSuite } from '../../scripts/lab/suites.js';
import { crossBuild } from '../../scripts/cross-build.js';
import { ARCHITECTURES, type Target, TARGETS } from '../../scripts/lab/architecture.js';
import { install } from '../helpers/debian-packages.js';
import { patient } from '../helpers/slowness.js';
import { capture, expectCleared } from './capture.js';
import { Consumer, ROOT } from './consumer.js';
import { Foreign } from './foreign.js';

const own = await ownSuite();
let consumer: Consumer;

beforeAll(async () => {
  await install('g++-aarch64-linux-gnu');
  consumer = await Consumer.create();
}, patient(300_000));

afterAll(() => {
  consumer?.dispose();
});

/** What both addons give, and refuse, without a kernel that they could ask. */
const LOADS = `
  const [packet, folder] = [Buffer.from(process.argv[1], 'hex'), process.argv[2]];
  const [queue, fast] = ['clear_df', 'clear_df_fastpath'].map((name) =>
    require('/opt/consumer/node_modules/clear-df/' + folder + '/' + name + '.node'));
  const rules = new queue.Rules('sequential');
  const edited = rules.apply(packet, 0, packet.length, packet.length);
  let refused = '';
  try { new queue.Mangler({ firstQueue: 70000 }, () => {}); } catch (error) { refused = error.constructor.name; }
  console.log(JSON.stringify({ arch: process.arch, edited, refused, cleared: String(rules.counters()[
    queue.counterNames().indexOf('cleared')]), fast: fast.counterNames().includes('cleared') }));`;

// npm's Node for s390x ends before 20.17.
describe.each<[Target, string, string]>([
  ['arm64', own, '20'],
  ['arm64', 'oldoldstable', '20'],
  ['x64', 'oldoldstable', '20'],
  ['s390x', 'stable', 'Debian'],
])('on %s, libraries of %s, Node %s', (architecture, suite, node) => {
  const shipped = architecture in ARCHITECTURES;
  let system: Foreign | undefined;
  let missing = '';

  beforeAll(async () => {
    system = await Foreign.create(architecture, suite, node, consumer).catch((error: Error) => {
      missing = `archive: ${suite} of ${architecture}: ${error.message.split('\n')[0] ?? ''}`;
      return undefined;
    });
    if (shipped) return;
    await install(`g++-${TARGETS[architecture].triple}`);
    await system?.build(await crossBuild(architecture));
  }, patient(600_000));
  afterAll(async () => system?.dispose());

  test('--version is the package’s', async (context) => {
    if (system === undefined) return context.skip(missing);
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await system.clearDf(['--version'])).toEqual({ exitCode: 0, stdout: version, stderr: '' });
  });

  test('pcap clears DF in a capture', async (context) => {
    if (system === undefined) return context.skip(missing);
    await system.write('/tmp/in.pcap', capture());
    const { exitCode, stderr } = await system.clearDf(['pcap', '/tmp/in.pcap', '/tmp/out.pcap']);
    expect(exitCode, stderr).toBe(0);
    expectCleared(path.join(system.folder, 'tmp/out.pcap'));
  });

  test('both addons load, apply the rules and refuse what is wrong', async (context) => {
    if (system === undefined) return context.skip(missing);
    const packet = capture().subarray(40).toString('hex');
    const folder = shipped ? `prebuilds/linux-${architecture}-glibc` : 'build/Release';
    const { stdout, stderr } = await system.node(['-e', LOADS, packet, folder]);
    expect(stderr).toBe('');
    const expected = { arch: architecture, edited: true, refused: 'TypeError', cleared: '1', fast: true };
    expect(JSON.parse(stdout)).toEqual(expected);
  });
});

describe('on a system with musl', () => {
  // It says so where a process learns what it has mapped; /proc is no mount there.
  const MAPS = '7f0a1c000000-7f0a1c014000 r--p 00000000 08:01 131 /lib/ld-musl-x86_64.so.1\n';

  test.each([
    ['alpine', 'ID=alpine\nVERSION_ID=3.20.0\n', 'apk add bash g++ make python3'],
    ['openwrt', 'ID="openwrt"\nID_LIKE="lede openwrt"\n', 'install bash, a C++ compiler'],
  ])('%s is told in one sentence how to build', async (_, release, words) => {
    const architecture = process.arch as Target;
    const system = await Foreign.create(architecture, own, '20', consumer);
    try {
      await system.write('/proc/self/maps', MAPS);
      await system.write('/etc/os-release', release);
      await system.write('/tmp/in.pcap', capture());
      const ran = await system.clearDf(['pcap', '/tmp/in.pcap', '/tmp/out.pcap'], { proc: false });
      expect(ran).toMatchObject({ exitCode: 4, stdout: '' });
      const [what = '', hint = '', ...more] = ran.stderr.trim().split('\n');
      expect(more).toEqual([]);
      expect(what).toBe(`clear-df: load clear_df.node: no binary for linux-${architecture}-musl in this package`);
      expect(hint).toContain(words);
      expect(hint).toMatch(/(&&|then:) npm explore clear-df -- npm run build:native$/);
    } finally {
      await system.dispose();
    }
  });
});
