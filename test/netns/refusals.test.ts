/**
 * Wrong inputs: each ends with its documented exit code before anything on the machine has changed, and names the
 * option, the value and what is accepted.
 *
 *   host eth0 ───── eth0 192.0.2.1/24 router: foreign rules in iptables, nft and `ip rule`, and a first clear-df
 *                                             that holds queue 0, 127.0.0.1:9857 and the rules of the name default
 */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clearDf, type Daemon, MAIN, startClearDf } from '../helpers/clear-df.js';
import { someOf } from '../helpers/more.js';
import { type Done, Lab, type Namespace } from '../helpers/netns.js';
import { queue } from '../helpers/kernel.js';
import { shown } from '../helpers/shown.js';

let lab: Lab;
let router: Namespace;
let first: Daemon;
let files: string;
let untouched: Record<string, string>;

beforeAll(async () => {
  lab = await Lab.create();
  ({ router } = await lab.build({ router: { ip: ['rule add from 192.0.2.7 lookup 77'] }, host: {} }, [
    [
      { at: 'router', dev: 'eth0', address: '192.0.2.1/24' },
      { at: 'host', dev: 'eth0' },
    ],
  ]));
  await router.exec('iptables', [
    '-t',
    'mangle',
    '-A',
    'OUTPUT',
    '-p',
    'icmp',
    '-m',
    'comment',
    '--comment',
    'foreign',
  ]);
  await router.exec('nft', ['add', 'table', 'ip', 'foreign']);
  first = await startClearDf(router, '0', ['--install-rules']);
  await first.running.says(/clear-df is running/);
  files = await lab.scratch();
  await chmod(files, 0o755);
  await writeFile(path.join(files, 'secret.yaml'), 'queue: 5\n', { mode: 0o600 });
  await mkdir(path.join(files, 'folder'));
  untouched = await state();
  // What is compared is really there.
  const seen = Object.values(untouched).join('\n');
  for (const part of ['lookup 77', 'foreign', 'clear-df:default', 'net.ipv4.ip_forward', ':9857', '192.0.2.1/24']) {
    expect(seen).toContain(part);
  }
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

/** All that a run could change. The counters of rules and the sizes that the kernel counts itself are left out. */
async function state(): Promise<Record<string, string>> {
  const texts = await shown(router, {
    rule: 'ip rule',
    address: 'ip -o address',
    iptables: 'iptables-nft-save',
    legacy: 'iptables-legacy-save',
    nft: 'nft --stateless list ruleset',
    sysctl: "sysctl --all --ignore --pattern '^net\\.'",
    queues: 'cat /proc/net/netfilter/nfnetlink_queue',
    listening: 'ss -Hltn',
  });
  const still = (text: string) => text.replace(/^#.*$/gm, '').replace(/\[\d+:\d+\]/g, '');
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, still(text)]));
}

async function refused(done: Done, exitCode: number, words: (string | RegExp)[]): Promise<void> {
  expect({ exitCode: done.exitCode, stdout: done.stdout }, done.stderr).toEqual({ exitCode, stdout: '' });
  for (const word of words) expect(done.stderr).toMatch(word);
  // A sentence for a person, not a stack.
  expect(done.stderr).toMatch(/^clear-df: /m);
  expect(done.stderr).not.toMatch(/\n\s+at /);
  expect(await state()).toEqual(untouched);
}

const QUEUE = ['run', '--queue', '9', '--metrics', 'off'];
const RULES = [...QUEUE, '--install-rules', '--name', 'second'];

/** Text as a regular expression that matches it. */
function text(words: string): RegExp {
  return new RegExp(words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
}

/** One of each way to be wrong; test/unit/refused-arguments.test.ts has them all. */
describe('flags', () => {
  it.each(
    someOf<[string[], string, string]>([
      [['run', '--queue', '65536'], "--queue: '65536'", 'expected N or N:M with 0 <= N <= M <= 65535'],
      [['run', '--quue', '9'], "'--quue'", 'did you mean --queue?'],
      [['statsu'], "command: 'statsu'", "did you mean 'stats'?"],
      [[...RULES, '--forwarded'], '--out-dev: it is missing', 'expected the device that forwarded packets leave by'],
      [[...RULES, '--in-dev', 'eth*', '--hook', 'bridge'], "--in-dev: 'eth*'", 'expected a device name'],
      [
        [...QUEUE, '--install-rules', '--name', 'two words'],
        "--name: 'two words'",
        'expected letters, digits, _ and -',
      ],
    ]),
  )('%j', async (args, named, accepted) => {
    await refused(await clearDf(router, args), 2, [text(named), text(accepted)]);
  });

  it('none at all: the help, and the exit code of wrong usage', async () => {
    const { exitCode, stdout, stderr } = await clearDf(router, []);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Exit codes:');
  });
});

describe('files', () => {
  it('one with a wrong rule', async () => {
    const file = path.join(files, 'rule.yaml');
    await writeFile(file, 'queue: 9\ninstall-rules: true\nproto: sctp\n');
    const words = [text(`${file}:3:8 proto`), /its value \(not repeated here\)/, /expected gre, esp, udp:PORT or all/];
    await refused(await clearDf(router, ['run', '--config', file]), 2, words);
  });

  it.each([
    ['missing.yaml', 'there is no such file', 'ENOENT'],
    ['folder', 'it is a directory', 'EISDIR'],
  ])('%s', async (name, reason, errno) => {
    const file = path.join(files, name);
    const words = [`--config '${file}'`, reason, 'expected a readable YAML file', errno];
    await refused(await clearDf(router, ['run', '--config', file]), 2, words.map(text));
  });

  it('one that this user may not read', async () => {
    const file = path.join(files, 'secret.yaml');
    const done = await withoutRights(['--reuid', '65534', '--clear-groups'], ['run', '--config', file]);
    await refused(done, 2, [text(`--config '${file}'`), /it may not be read by this user/, /EACCES/]);
  });
});

/** Runs clear-df with less rights than root has, as setpriv(1) takes them. */
async function withoutRights(drop: string[], args: string[]): Promise<Done> {
  return router.try('setpriv', [...drop, process.execPath, MAIN, ...args]);
}

describe('privileges', () => {
  const drops: [string, string[]][] = [
    ['root without CAP_NET_ADMIN', ['--bounding-set', '-net_admin', '--inh-caps', '-net_admin']],
    ['a plain user', ['--reuid', '65534', '--clear-groups', '--inh-caps', '-all']],
  ];
  it.each(drops)('%s', async (_, drop) => {
    await refused(await withoutRights(drop, RULES), 3, [/CAP_NET_ADMIN/, /EPERM/, /hint: run it as root/]);
  });

  it.each(drops)('%s may still ask for the plan', async (_, drop) => {
    const { exitCode, stdout } = await withoutRights(drop, [...QUEUE, '--dry-run']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringContaining('# bind queue 9') as string });
    expect(await state()).toEqual(untouched);
  });
});

describe('the machine', () => {
  it('a queue that another process holds', async () => {
    const holder = await queue(router, 0);
    const words = [
      'bind queue 0',
      `port id ${holder?.portId}`,
      `process ${first.running.pid}`,
      'choose another --queue',
    ];
    await refused(await clearDf(router, ['run', '--queue', '0', '--metrics', 'off']), 5, words.map(text));
  });

  // That the others are let go again shows only where the process lives on: half-open.cjs of test/addon.
  it('one taken queue of a range, by its number', async () => {
    // The first run holds queue 0; the companion of this one is bound before that is found out.
    await refused(await clearDf(router, ['run', '--queue', '0:3', '--metrics', 'off']), 5, [/bind queue 0: /]);
  });

  it('a name whose rules feed the queue of a run that is alive', async () => {
    const done = await clearDf(router, [...QUEUE, '--install-rules']);
    await refused(done, 5, [/rules of default/, /feed queue 0/, /another --name/]);
  });

  it('an address that is taken, when it was asked for: its rules do not stay', async () => {
    const args = ['run', '--queue', '9', '--install-rules', '--name', 'second', '--metrics', '127.0.0.1:9857'];
    await refused(await clearDf(router, args), 5, [/127\.0\.0\.1:9857/, /EADDRINUSE/, /--metrics ADDR:PORT/]);
  });

  it('an address of another machine', async () => {
    const args = ['run', '--queue', '9', '--install-rules', '--name', 'second', '--metrics', '192.0.2.99:9857'];
    await refused(await clearDf(router, args), 4, [
      /192\.0\.2\.99:9857/,
      /EADDRNOTAVAIL/,
      /does not have that address/,
    ]);
  });

  it('a firewall tool that fails half-way: queue and address are let go again', async () => {
    const folder = path.join(files, 'tools');
    await mkdir(folder);
    const trial = 'case "$*" in *--test*) exec /usr/sbin/iptables-nft-restore "$@" ;; esac';
    const tool = `#!/bin/sh\n${trial}\necho "no memory left" >&2\nexit 4\n`;
    await writeFile(path.join(folder, 'iptables-nft-restore'), tool, { mode: 0o755 });
    const args = ['run', '--queue', '9', '--install-rules', '--name', 'second', '--backend', 'iptables-nft'];
    const command = [MAIN, ...args, '--metrics', '127.0.0.1:9858'];
    const search = `${folder}:${process.env['PATH'] ?? ''}`;
    const done = await router.try(process.execPath, command, undefined, { PATH: search });
    await refused(done, 1, [
      /"msg":"queue 9 bound/,
      /127\.0\.0\.1:9858/,
      /iptables-nft-restore --noflush: no memory left/,
    ]);
  });

  it('a device that does not exist', async () => {
    const done = await clearDf(router, [...RULES, '--forwarded', '--out-dev', 'nosuch0']);
    await refused(done, 4, [/--out-dev nosuch0/, /there are .*eth0/]);
  });

  it('a destination without a route', async () => {
    const done = await clearDf(router, [...RULES, '--larger-than', 'mtu', '--remote', '203.0.113.1']);
    await refused(done, 4, [/route/, /203\.0\.113\.1/]);
  });
});

it('the first run has not noticed any of it', async () => {
  expect(first.running.ended).toBeUndefined();
  const { exitCode } = await first.stop();
  expect(exitCode).toBe(0);
  expect(await queue(router, 0)).toBeUndefined();
  expect((await router.exec('iptables-nft-save')) + (await router.exec('nft', ['list', 'ruleset']))).not.toContain(
    'clear-df',
  );
});
