/**
 * The life of the Debian package where it is meant for: Debian's stable with its own systemd and apt, on the router of
 * `test/helpers/topology.ts`, whose far link takes 1400 bytes.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { install } from '../helpers/debian-packages.js';
import { debianSystem } from '../helpers/debian-system.js';
import { queues } from '../helpers/kernel.js';
import { patient } from '../helpers/slowness.js';
import { Systemd } from '../helpers/systemd.js';
import { PROJECT } from '../helpers/tools.js';
import { forgetPathMtu, type Routed, routed, SERVER } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';

const OPTIONS = [
  'queue: 0',
  'install-rules: true',
  'forwarded: true',
  'in-dev: eth0',
  'out-dev: eth1',
  'larger-than: mtu',
];
const SITE = [
  ...['name: west', 'local: 10.0.1.1', `remote: ${SERVER}`, 'underlay: eth1', 'tunnel: { type: vxlan }'],
  ...['bridge: { name: br0, ports: [lan0] }', 'engine: bpf'],
];
const OF_NO_UNIT = [
  ...['name: east', 'local: 10.0.1.1', `remote: ${SERVER}`, 'underlay: eth1'],
  ...[
    'tunnel: { type: vxlan, name: vxlan2, vni: 2, port: 4790 }',
    'bridge: { name: br1, ports: [lan1] }',
    'engine: bpf',
  ],
];
/** Where packages put things; what apt, dpkg and the journal write of their work is theirs. */
const THEIRS = ['/var/lib/dpkg', '/var/lib/apt', '/var/log', '/var/cache', '/var/lib/systemd'];
const LISTING = `find /etc /usr /var -xdev \\( -path ${THEIRS.join(' -o -path ')} \\) -prune -o -print | LC_ALL=C sort`;

const WARNINGS = 'journalctl -q -p warning -u clear-df -o cat --no-pager';
/** What makes a network late: three seconds of nothing. */
const LATE = `[Unit]
Before=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sleep 3
[Install]
WantedBy=network-online.target
`;

let net: Routed;
let root: string;
let systemd: Systemd;

const property = (name: string) => systemd.property('clear-df', name);

/** Runs a script inside. @throws Error with what it said, and what the service did */
async function inside(script: string): Promise<string> {
  const done = await systemd.run('env', 'DEBIAN_FRONTEND=noninteractive', 'bash', '-ec', script);
  if (done.exitCode === 0) return done.stdout;
  const { stdout: journal } = await systemd.run('journalctl', '-q', '-u', 'clear-df', '--no-pager', '-n', '20');
  throw new Error(`${script}: ${done.stdout}${done.stderr}\n${journal}`);
}

/** Writes a file into /etc/clear-df. */
async function write(name: string, lines: readonly string[]): Promise<void> {
  await writeFile(path.join(root, 'etc/clear-df', name), lines.map((line) => `${line}\n`).join(''));
}

/** What the firewall and tc have. */
async function network(): Promise<string> {
  const looks = ['nft list ruleset', 'tc filter show dev eth0 ingress', 'tc qdisc show', 'iptables-save'];
  return net.router.exec('sh', ['-c', looks.join('; ')]);
}

/** The same package as a later version. */
async function nextVersion(deb: string, as: string): Promise<void> {
  const tree = path.join(path.dirname(as), 'next');
  await execa('dpkg-deb', ['--raw-extract', deb, tree]);
  const control = path.join(tree, 'DEBIAN/control');
  await writeFile(control, (await readFile(control, 'utf8')).replace(/^Version: .*$/m, '$&+next'));
  await execa('dpkg-deb', ['--root-owner-group', '--build', tree, as]);
}

beforeAll(async () => {
  net = await routed();
  const scratch = await net.lab.scratch();
  const debs = path.join(scratch, 'debs');
  mkdirSync(debs);
  await install('debhelper');
  await execa('bash', ['scripts/build-deb', debs], { cwd: PROJECT });
  const name = readdirSync(debs).find((file) => file.endsWith('_amd64.deb')) ?? '';
  root = await debianSystem(scratch);
  await copyFile(path.join(debs, name), path.join(root, 'root/clear-df.deb'));
  await nextVersion(path.join(debs, name), path.join(root, 'root/clear-df-next.deb'));
  systemd = await Systemd.bootDebian(net.router, root);
}, patient(600_000));

afterAll(async () => {
  await net?.lab[Symbol.asyncDispose]();
});

let before: { files: string; network: string };

it('is installed by apt, starts nothing, and is ready once it is started', async () => {
  before = { files: await inside(LISTING), network: await network() };
  expect(await ping(net.client, SERVER)).toMatchObject({ received: 0 });
  await inside('apt-get install -y -q /root/clear-df.deb');
  expect(await property('ActiveState')).toBe('inactive');
  await write('clear-df.yaml', OPTIONS);
  await inside('systemctl enable --now clear-df');
  const status = await inside('systemctl status --no-pager clear-df');
  expect(status).toMatch(/Active: active \(running\)/);
  expect(status).toMatch(/Status: "clearing DF, queue 0"/);
  await forgetPathMtu(net.client);
  expect(await ping(net.client, SERVER)).toMatchObject({ received: 3 });
  expect(await inside(WARNINGS)).toBe('');
});

it('a warning is one for the journal, and repeats nothing of its priority', async () => {
  await net.router.exec('nft', ['flush', 'ruleset']);
  await until('it is in the journal', async () => (await inside(WARNINGS)).includes('someone removed or changed them'));
  expect(await inside(WARNINGS)).not.toMatch(/<\d>|clear-df is running/);
  const all = 'journalctl -q -u clear-df -o cat --no-pager';
  await until('they are there again', async () => (await inside(all)).includes('are installed again'));
  expect(await ping(net.client, SERVER)).toMatchObject({ received: 3 });
});

it('runs again after SIGKILL, and by its watchdog after SIGSTOP', async () => {
  const folder = '/etc/systemd/system/clear-df.service.d';
  await inside(`mkdir ${folder}; printf '[Service]\\nWatchdogSec=5\\n' > ${folder}/watchdog.conf
    systemctl daemon-reload; systemctl restart clear-df`);
  await systemd.survives('clear-df', 'KILL');
  expect(await ping(net.client, SERVER)).toMatchObject({ received: 3 });
  await systemd.survives('clear-df', 'STOP');
  expect(await ping(net.client, SERVER)).toMatchObject({ received: 3 });
  await inside(`rm -r ${folder}; systemctl daemon-reload`);
});

it('is upgraded under traffic: restarted once, and not one full-size packet is lost', async () => {
  const started = async () => (await inside('journalctl -q -u clear-df -o cat')).match(/^Started /gm)?.length ?? 0;
  const [old, starts] = [await property('MainPID'), await started()];
  const flow = net.client.spawn('ping', ['-n', '-M', 'do', '-s', '1472', '-i', '0.005', SERVER]);
  await flow.says(/icmp_seq=20 /);
  await inside('apt-get install -y -q /root/clear-df-next.deb');
  await until('another process runs', async () => {
    const pid = await property('MainPID');
    return pid !== '0' && pid !== old && (await property('ActiveState')) === 'active';
  });
  const at = Number(/icmp_seq=(\d+) [^\n]*\n?$/.exec(flow.stdout.trimEnd())?.[1]);
  await until('it goes on for a while', () => flow.stdout.includes(`icmp_seq=${at + 50} `));
  await flow.stop('SIGINT');
  expect(flow.stdout).toMatch(/ 0% packet loss/);
  expect(await started()).toBe(starts + 1);
  expect(await inside('dpkg-query -W clear-df')).toContain('+next');
  expect(await queues(net.router)).toHaveLength(2);
});

it('runs again after a reboot, once the network is there', async () => {
  await writeFile(path.join(root, 'etc/systemd/system/late.service'), LATE);
  await inside('systemctl enable late');
  await systemd.run('systemctl', 'reboot');
  await systemd.ended();
  systemd = await Systemd.bootDebian(net.router, root);
  expect(await property('ActiveState')).toBe('active');
  expect(await ping(net.client, SERVER)).toMatchObject({ received: 3 });
  const late = Number(await systemd.property('late', 'ExecMainExitTimestampMonotonic'));
  expect(late).toBeGreaterThan(0);
  expect(Number(await property('ExecMainStartTimestampMonotonic'))).toBeGreaterThan(late);
  await inside('systemctl disable late; rm /etc/systemd/system/late.service; systemctl daemon-reload');
  await inside('systemctl stop clear-df');
  expect(await property('Result')).toBe('success');
  expect(await network()).toBe(before.network);
  await inside('systemctl start clear-df');
});

it('leaves nothing when it is purged while it, a tunnel, and one that no unit has run', async () => {
  await net.router.ip('link', 'add', 'lan0', 'type', 'veth', 'peer', 'name', 'lan1');
  const links = await net.router.exec('ip', ['-br', 'link']);
  await write('west.yaml', SITE);
  await write('east.yaml', OF_NO_UNIT);
  await inside('systemctl enable --now clear-df-tunnel@west; clear-df tunnel up /etc/clear-df/east.yaml');
  expect(await net.router.exec('ip', ['-br', 'link'])).toMatch(/^vxlan1 [^]*^vxlan2 /m);
  await inside('apt-get purge -y -q clear-df');
  expect(await net.router.exec('ip', ['-br', 'link'])).toBe(links);
  await net.router.ip('link', 'delete', 'lan0');
  // Files of one's own are left.
  expect(await inside('ls /etc/clear-df; rm -r /etc/clear-df')).toBe('clear-df.yaml\neast.yaml\nwest.yaml');
  expect(await inside(LISTING)).toBe(before.files);
  expect(await network()).toBe(before.network);
  expect(await inside('systemctl is-system-running')).toBe('running');
});
