/**
 * clear-df.service under Debian's systemd as pid 1: what the unit keeps from clear-df, clear-df can do without.
 *
 *   [router] br0: gt0 (a veth); eth1 192.168.200.1/24          their other ends are in [others]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { queueUnit } from '../../src/tunnel/unit-text.js';
import { queues } from '../helpers/kernel.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { COMMAND, Systemd } from '../helpers/systemd.js';
import { until } from '../helpers/until.js';

const OPTIONS = '/etc/clear-df/clear-df.yaml';

let lab: Lab;
let router: Namespace;
let systemd: Systemd;

const property = (name: string) => systemd.property('clear-df', name);

async function options(text: string): Promise<void> {
  await systemd.run('bash', '-c', `printf '%s' "$1" > ${OPTIONS}`, 'bash', text);
}

beforeAll(async () => {
  lab = await Lab.create();
  router = await lab.namespace('router');
  const others = await lab.namespace('others');
  await lab.link({ at: router, dev: 'gt0' }, { at: others, dev: 'o0' });
  await lab.link({ at: router, dev: 'eth1', address: '192.168.200.1/24' }, { at: others, dev: 'o1' });
  await router.exec('bash', ['-ec', 'ip link add br0 type bridge; ip link set gt0 master br0; ip link set br0 up']);
  const units = { 'clear-df.service': queueUnit(COMMAND) };
  systemd = await Systemd.boot(router, units, { 'clear-df.yaml': 'queue: 0\ninstall-rules: true\n' });
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

it('is ready when it runs, confined, and reloads', async () => {
  await systemd.systemctl('start', 'clear-df');
  expect(await property('StatusText')).toBe('clearing DF, queue 0');
  const pid = await property('MainPID');
  const status = (await systemd.run('cat', `/proc/${pid}/status`)).stdout;
  expect(status).toMatch(/^NoNewPrivs:\s*1$[^]*^Seccomp:\s*2$/m);
  // CAP_NET_ADMIN 12, CAP_NET_RAW 13, CAP_PERFMON 38, CAP_BPF 39 (linux/capability.h)
  expect(status).toMatch(/^CapBnd:\s*000000c000003000$/m);
  expect((await systemd.run('cat', `/proc/${pid}/limits`)).stdout).toMatch(/^Max core file size\s+0 /m);
  await systemd.systemctl('reload', 'clear-df');
  await until('it has read its file again', async () => (await systemd.log()).includes('file read again'));
  expect(await property('ActiveState')).toBe('active');
});

it('attaches the fast path, and its rules at the bridge', async () => {
  await systemd.run('sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=1');
  await options('queue: 0\ninstall-rules: true\nhook: bridge\nout-dev: gt0\nfast-path: require\n');
  await systemd.systemctl('restart', 'clear-df');
  expect(await router.exec('tc', ['filter', 'show', 'dev', 'gt0', 'egress'])).toContain('clear-df:default');
  await systemd.systemctl('restart', 'clear-df');
  // Not adopted: only CAP_SYS_ADMIN may open what is attached, and the unit has not that.
  expect(await systemd.log()).toMatch(/fast path left in place[^]*the one that was there is exchanged/);
});

it('is started again after SIGKILL, and when it has hung', async () => {
  await systemd.survives('clear-df', 'KILL');
  await systemd.survives('clear-df', 'STOP');
  expect(Number(await property('NRestarts'))).toBe(2);
});

it('stops cleanly', async () => {
  await systemd.systemctl('stop', 'clear-df');
  expect(await property('Result')).toBe('success');
  expect(await router.exec('tc', ['filter', 'show', 'dev', 'gt0', 'egress'])).not.toContain('clear-df');
  expect(readdirSync('/run').includes('units')).toBe(false);
});

it('holds the queue as another user than root, who installs no rules', async () => {
  // As docs/running.md has it.
  const [, dropIn = ''] =
    /^```ini\n(\[Service\]\nDynamicUser=[^`]*)```$/m.exec(readFileSync('docs/running.md', 'utf8')) ?? [];
  const folder = '/run/units/clear-df.service.d';
  await systemd.run('bash', '-c', `mkdir -p ${folder}; printf '%s' "$1" > ${folder}/user.conf`, 'bash', dropIn);
  await options('queue: 0\n');
  await systemd.systemctl('daemon-reload');
  await systemd.systemctl('start', 'clear-df');
  const status = (await systemd.run('cat', `/proc/${await property('MainPID')}/status`)).stdout;
  expect(status).toMatch(/^Uid:\s+[1-9]/m);
  // CAP_NET_ADMIN alone: bit 12.
  expect(status).toMatch(/^CapEff:\s*0000000000001000$/m);
  expect(await queues(router)).toHaveLength(2);
  await systemd.systemctl('stop', 'clear-df');
  expect(await property('Result')).toBe('success');
  await systemd.run('rm', '-r', folder);
  await systemd.systemctl('daemon-reload');
});

it('says what to do where the bridge needs a kernel setting that it may not change', async (context) => {
  const { exitCode } = await systemd.run('sysctl', '-qw', 'net.bridge.bridge-nf-call-iptables=0');
  if (exitCode !== 0) context.skip('kernel: no br_netfilter');
  await options('queue: 0\ninstall-rules: true\nhook: bridge\nout-dev: gt0\nfast-path: off\nbackend: iptables-nft\n');
  expect((await systemd.run('systemctl', 'start', 'clear-df')).exitCode).toBe(1);
  const said = await systemd.log();
  expect(said).toMatch(/bridge-nf-call-iptables=1: the kernel refused it \(EROFS\)\nhint: .*\/etc\/sysctl\.d/);
  await systemd.run('systemctl', 'stop', 'clear-df');
});
