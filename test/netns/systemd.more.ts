/**
 * clear-df.service under Debian's systemd as pid 1: what the unit keeps from clear-df, clear-df can do without.
 *
 *   [router] br0: gt0 (a veth); eth1 192.168.200.1/24          their other ends are in [others]
 *
 * The tunnel's unit needs gretap devices, which this tier's kernel may not have: it is not tried here.
 */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { queueUnit } from '../../src/tunnel/unit-text.js';
import { type Done, Lab, type Namespace } from '../helpers/netns.js';
import { PROJECT } from '../helpers/tools.js';
import { until } from '../helpers/until.js';

const OPTIONS = '/etc/clear-df/clear-df.yaml';

let lab: Lab;
let router: Namespace;
let init: number;

/** Runs a command where that systemd is pid 1. */
function inside(...argv: string[]): Promise<Done> {
  return router.try('nsenter', ['-t', String(init), '-m', '-p', '-u', '-i', '-r', '-w', ...argv]);
}

async function systemctl(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await inside('systemctl', ...args);
  if (exitCode !== 0)
    throw new Error(`systemctl ${args.join(' ')}: ${stderr}\n${(await inside('cat', '/run/out')).stdout}`);
  return stdout;
}

async function property(name: string): Promise<string> {
  return systemctl('show', '--property', name, '--value', 'clear-df');
}

async function options(text: string): Promise<void> {
  await inside('bash', '-c', `printf '%s' "$1" > ${OPTIONS}`, 'bash', text);
}

beforeAll(async () => {
  lab = await Lab.create();
  router = await lab.namespace('router');
  const others = await lab.namespace('others');
  await lab.link({ at: router, dev: 'gt0' }, { at: others, dev: 'o0' });
  await lab.link({ at: router, dev: 'eth1', address: '192.168.200.1/24' }, { at: others, dev: 'o1' });
  await router.exec('bash', ['-ec', 'ip link add br0 type bridge; ip link set gt0 master br0; ip link set br0 up']);
  const scratch = await lab.scratch();
  for (const folder of ['units', 'etc', 'over']) mkdirSync(path.join(scratch, folder));
  const command = { node: process.execPath, script: path.join(PROJECT, 'bin/clear-df.cjs') };
  writeFileSync(
    path.join(scratch, 'units/clear-df.service'),
    queueUnit(command).replace(/WatchdogSec=\d+/, 'WatchdogSec=5'),
  );
  writeFileSync(path.join(scratch, 'etc/clear-df.yaml'), 'queue: 0\ninstall-rules: true\n');
  const boot = path.join(PROJECT, 'test/helpers/boot-systemd.sh');
  const namespaces = ['--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child'];
  const booted = router.spawn('unshare', [...namespaces, 'bash', boot, scratch, PROJECT]);
  init = await until('systemd is pid 1', () => {
    if (booted.ended !== undefined) throw new Error(`it did not boot: ${booted.stderr}`);
    const children = readFileSync(`/proc/${booted.pid}/task/${booted.pid}/children`, 'utf8').trim();
    return children !== '' && readlinkSync(`/proc/${children}/exe`).endsWith('/systemd') ? Number(children) : undefined;
  });
  await until('systemd answers', async () => (await inside('systemctl', 'list-units')).exitCode === 0);
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

it('is ready when it runs, confined, and reloads', async () => {
  await systemctl('start', 'clear-df');
  expect(await property('StatusText')).toBe('clearing DF, queue 0');
  const pid = await property('MainPID');
  const status = (await inside('cat', `/proc/${pid}/status`)).stdout;
  expect(status).toMatch(/^NoNewPrivs:\s*1$[^]*^Seccomp:\s*2$/m);
  // CAP_NET_ADMIN 12, CAP_NET_RAW 13, CAP_PERFMON 38, CAP_BPF 39 (linux/capability.h)
  expect(status).toMatch(/^CapBnd:\s*000000c000003000$/m);
  expect((await inside('cat', `/proc/${pid}/limits`)).stdout).toMatch(/^Max core file size\s+0 /m);
  await systemctl('reload', 'clear-df');
  await until('it has read its file again', async () =>
    (await inside('cat', '/run/out')).stdout.includes('file read again'),
  );
  expect(await property('ActiveState')).toBe('active');
});

it('attaches the fast path, and its rules at the bridge', async () => {
  await inside('sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1');
  await options('queue: 0\ninstall-rules: true\nhook: bridge\nout-dev: gt0\nfast-path: require\n');
  await systemctl('restart', 'clear-df');
  expect(await router.exec('tc', ['filter', 'show', 'dev', 'gt0', 'egress'])).toContain('clear-df:default');
});

it('is started again after SIGKILL, and when it has hung', async () => {
  for (const [signal, cause] of [
    ['KILL', 'killed'],
    ['STOP', 'no sign of life'],
  ] as const) {
    const before = await property('MainPID');
    await inside('kill', `-${signal}`, before);
    await until(`it runs again: ${cause}`, async () => {
      const now = await property('MainPID');
      return now !== '0' && now !== before && (await property('ActiveState')) === 'active';
    });
  }
  expect(Number(await property('NRestarts'))).toBe(2);
});

it('stops cleanly', async () => {
  await systemctl('stop', 'clear-df');
  expect(await property('Result')).toBe('success');
  expect(await router.exec('tc', ['filter', 'show', 'dev', 'gt0', 'egress'])).not.toContain('clear-df');
  expect(readdirSync('/run').includes('units')).toBe(false);
});

it('says what to do where the bridge needs a kernel setting that it may not change', async (context) => {
  const { exitCode } = await inside('sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0');
  if (exitCode !== 0) context.skip('kernel: no br_netfilter');
  await options('queue: 0\ninstall-rules: true\nhook: bridge\nout-dev: gt0\nfast-path: off\nbackend: iptables-nft\n');
  expect((await inside('systemctl', 'start', 'clear-df')).exitCode).toBe(1);
  const said = (await inside('cat', '/run/out')).stdout;
  expect(said).toMatch(/bridge-nf-call-iptables=1: the kernel refused it \(EROFS\)\nhint: .*\/etc\/sysctl\.d/);
  await inside('systemctl', 'stop', 'clear-df');
});
