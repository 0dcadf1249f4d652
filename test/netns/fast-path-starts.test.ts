/**
 * What a start does to programs that are attached already: those of a run that is alive, and those that an earlier run
 * has left.
 */
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearDf, commandOf, startClearDf } from '../helpers/clear-df.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { source, startProgram } from '../helpers/source-program.js';
import { until } from '../helpers/until.js';

const BRIDGED = ['--install-rules', '--hook', 'bridge', '--out-dev', 'p1', '--backend', 'iptables-nft'];
const DEVICE = ['--fast-path-dev', 'p1'];

let lab: Lab;
let router: Namespace;

beforeEach(async () => {
  lab = await Lab.create();
  const bridge = { ip: ['link add br0 type bridge', 'link set p1 master br0', 'link set br0 up'] };
  ({ router } = await lab.build({ router: bridge, host: {} }, [
    [
      { at: 'router', dev: 'p1' },
      { at: 'host', dev: 'eth0' },
    ],
  ]));
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
});

const filters = async () => router.exec('tc', ['filter', 'show', 'dev', 'p1', 'egress']);
const rules = async () =>
  (await router.exec('iptables-nft-save')).split('\n').filter((line) => line.includes('NFQUEUE'));

describe('while another run holds the queue', () => {
  it.each([
    ['with rules of its own', BRIDGED, 'default'],
    ['with rules of others', DEVICE, 'queue-0'],
  ])('a start that is refused leaves its program alone, %s', async (_, args, name) => {
    await startClearDf(router, '0', [...args, '--fast-path', 'require']);
    const before = await filters();
    expect(before).toContain(`clear-df:${name}`);
    const { exitCode, stderr } = await clearDf(router, ['run', '--queue', '0', ...args, '--metrics', 'off']);
    expect(stderr).toContain('bind queue 0: it is held by port id');
    expect(exitCode).toBe(5);
    expect(await filters()).toBe(before);
  });

  it('so does a program with the library', async () => {
    await startClearDf(router, '0', [...DEVICE, '--fast-path', 'require']);
    const before = await filters();
    const program = `
      import { ClearDf } from ${source('mangler.ts')};
      const open = ClearDf.open({ queues: 0, gso: false, fastPath: { devices: ['p1'] } });
      console.error(await open.then(() => 'opened', (error) => error.code));`;
    const running = startProgram(router, program);
    await running.says(/CONFLICT/);
    expect(await filters()).toBe(before);
  });
});

describe('what an earlier run has left by USR2', () => {
  const leaveBehind = async (args: string[]) => {
    const daemon = await startClearDf(router, '0', [...args, '--fast-path', 'require']);
    expect((await daemon.stop('SIGUSR2')).exitCode).toBe(0);
    expect(await filters()).toContain('clear-df:');
  };

  it('stays when the next start fails', async () => {
    await leaveBehind(BRIDGED);
    const { exitCode } = await clearDf(router, ['run', '--queue', '0', ...BRIDGED, '--metrics', '192.0.2.1:9857']);
    expect(exitCode).toBe(4);
    expect(await filters()).toContain('clear-df:default');
    expect(await rules()).toEqual([]);
  });

  it('goes when the next one is ended while it starts', async () => {
    await leaveBehind(BRIDGED);
    const [node, main] = commandOf(router);
    const running = router.spawn(node, [main, 'run', '--queue', '0', ...BRIDGED, '--metrics', 'off']);
    await running.says(/fast path attached/);
    running.kill('SIGTERM');
    expect((await running.wait()).exitCode).toBe(0);
    expect(await filters()).not.toContain('clear-df');
  });

  it.each([
    ['the fast path is switched off', BRIDGED, [...BRIDGED, '--fast-path', 'off']],
    ['its rules are at another hook', BRIDGED, ['--install-rules', '--backend', 'iptables-nft', '--fast-path', 'auto']],
    ['it has no device any more', DEVICE, []],
    ['it has rules of its own', DEVICE, ['--install-rules', '--backend', 'iptables-nft', '--fast-path', 'auto']],
  ])('goes when %s', async (_, before, after) => {
    await leaveBehind(before);
    const next = await startClearDf(router, '0', after);
    expect(await filters()).not.toContain('clear-df');
    expect(next.running.stderr).toMatch(/fast path of (default|queue-0) removed: an earlier run had left it/);
  });

  it('under other names stays', async () => {
    await leaveBehind([...BRIDGED, '--name', 'one']);
    await startClearDf(router, '1', [...BRIDGED, '--name', 'two', '--fast-path', 'off']);
    expect(await filters()).toContain('clear-df:one');
  });
});

it('is known to be in place again after a look that failed', async () => {
  const folder = await lab.scratch();
  const ip = (await router.exec('sh', ['-c', 'command -v ip'])).trim();
  await writeFile(path.join(folder, 'ip'), `#!/bin/sh\n[ -e ${folder}/fails ] && exit 1\nexec ${ip} "$@"\n`, {
    mode: 0o755,
  });
  const environment = { PATH: `${folder}:${process.env['PATH']}` };
  const daemon = await startClearDf(router, '0', [...BRIDGED, '--fast-path', 'auto'], { environment });
  const few = await rules();
  await writeFile(path.join(folder, 'fails'), '');
  daemon.running.kill('SIGHUP');
  await daemon.running.says(/the fast path is not in place/);
  await rm(path.join(folder, 'fails'));
  daemon.running.kill('SIGHUP');
  await daemon.running.says(/rules: (intact|restored)/);
  daemon.running.kill('SIGHUP');
  await until('few rules are there', async () => (await rules()).join() === few.join());
  expect(await filters()).toContain('clear-df:default');
});

describe('a device that is away for a while', () => {
  it('and comes back with another ingress qdisc: the queue does it all, as the log says', async () => {
    const daemon = await startClearDf(router, '0', [...BRIDGED, '--fast-path', 'auto']);
    await router.ip('link', 'del', 'p1');
    daemon.running.kill('SIGHUP');
    await daemon.running.says(/the fast path is not in place, the queue does it all: find device/);
    await router.exec('ip', 'link add p1 type veth peer name p1-other'.split(' '));
    await router.exec('tc', ['qdisc', 'add', 'dev', 'p1', 'ingress']);
    daemon.running.kill('SIGHUP');
    await daemon.running.says(/the queue does it all: attach the fast path to p1 egress/);
    await until('all rules are there', async () => (await rules()).join().includes('0x4&0x4000=0x4000'));
  });
});

it('a storm of HUPs is two reloads, or a few more, and the end says nothing of the last one', async () => {
  const file = path.join(await lab.scratch(), 'run.yaml');
  await writeFile(file, 'queue: 0\ninstall-rules: true\nhook: bridge\nout-dev: p1\nbackend: iptables-nft\n');
  const [node, main] = commandOf(router);
  const running = router.spawn(node, [main, 'run', '--config', file]);
  await running.says(/clear-df is running/);
  for (let sent = 0; sent < 40; sent += 1) {
    running.kill('SIGHUP');
    await pause(5);
  }
  await until('the last one is over', async () => {
    const before = running.stderr.length;
    await pause(1500);
    return running.stderr.length === before;
  });
  expect(running.stderr.split('file read again').length - 1).toBeLessThan(10);
  running.kill('SIGHUP');
  await pause(50);
  expect((await running.stop()).exitCode).toBe(0);
  expect(running.stderr).not.toContain('not reloaded');
});

describe('HUP with another name', () => {
  it('changes nothing where the rules of the old one cannot be removed', async () => {
    const file = path.join(await lab.scratch(), 'run.yaml');
    const text = (name: string) =>
      `queue: 0\nname: ${name}\ninstall-rules: true\nforwarded: true\nlarger-than: 1400\nbackend: iptables-nft\n`;
    await writeFile(file, text('one'));
    const [node, main] = commandOf(router);
    const running = router.spawn(node, [main, 'run', '--config', file]);
    await running.says(/clear-df is running/);
    const before = await rules();
    await router.exec('nft', ['add', 'rule', 'ip', 'clear_df_one', 'early', 'counter']);
    await writeFile(file, text('two'));
    running.kill('SIGHUP');
    await running.says(/not reloaded, running on as before: replace nft table ip clear_df_one/);
    expect(await rules()).toEqual(before);
    expect(await router.exec('nft', ['list', 'tables'])).not.toContain('clear_df_two');
  });
});
