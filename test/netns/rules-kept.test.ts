/**
 * Rules of a run that others take away, and runs with less rights than root.
 *
 *   host eth0 ───── p1 br0 router: clear-df, whose rules queue what is bridged towards p1
 *
 * No packets flow: rules, sysctls and words are what is looked at.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearDf, MAIN } from '../helpers/clear-df.js';
import { rulesText } from '../helpers/kernel.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import type { Running } from '../helpers/running.js';
import { until } from '../helpers/until.js';

const BRIDGED = ['--install-rules', '--hook', 'bridge', '--out-dev', 'p1', '--metrics', 'off'];

let lab: Lab;
let router: Namespace;

beforeEach(async () => {
  lab = await Lab.create();
  router = await lab.namespace('router');
  const host = await lab.namespace('host');
  await lab.link({ at: router, dev: 'p1' }, { at: host, dev: 'eth0' });
  await router.ip('link', 'add', 'br0', 'type', 'bridge');
  await router.ip('link', 'set', 'p1', 'master', 'br0');
  await router.sysctl({ 'net.bridge.bridge-nf-call-iptables': 0 });
});

afterEach(async () => {
  await lab[Symbol.asyncDispose]();
});

async function callIptables(): Promise<string> {
  return router.read('/proc/sys/net/bridge/bridge-nf-call-iptables');
}

/** The run's own rules, as lines of iptables-nft-save. */
async function own(): Promise<string[]> {
  const text = await router.exec('iptables-nft-save');
  return text.split('\n').filter((line) => line.includes('clear-df:default'));
}

async function flush(): Promise<void> {
  await router.exec('nft', ['flush', 'ruleset']);
  expect(await own()).toEqual([]);
}

async function start(...args: string[]): Promise<Running> {
  const running = router.spawn(process.execPath, [MAIN, 'run', '--queue', '0', ...args]);
  await running.says(/clear-df is running/);
  return running;
}

function count(running: Running, words: string): number {
  return running.stderr.split(words).length - 1;
}

describe('rules that someone else flushed', () => {
  it('are seen at the next look, told once and installed again; a changed sysctl and rule too', async () => {
    const at = (file: string): string =>
      JSON.stringify(pathToFileURL(path.join(path.dirname(MAIN), '..', file)).toString());
    const given = { queue: '0', 'install-rules': 'true', hook: 'bridge', 'out-dev': 'p1', metrics: 'off' };
    const texts = Object.entries(given).map(([name, text]) => [name, { text, where: name }]);
    const program = `
      import { runService } from ${at('service.js')};
      import { readOptions } from ${at('service/options.js')};
      const options = readOptions(${JSON.stringify(Object.fromEntries(texts))});
      await runService(options, { version: '0', rulesCheckMs: 50 });`;
    const running = router.spawn(process.execPath, ['--input-type=module', '--eval', program]);
    await running.says(/clear-df is running/);
    const rules = await own();
    expect(rules).toHaveLength(1);
    const again = 'rules of default are installed again';
    const gone = 'rules of default are no longer in iptables-nft';

    await flush();
    await until('they are back', () => count(running, again) === 1);
    expect(await own()).toEqual(rules);
    expect(count(running, gone)).toBe(1);

    await router.sysctl({ 'net.bridge.bridge-nf-call-iptables': 0 });
    await until('bridged frames pass iptables again', () => count(running, again) === 2);
    expect(await callIptables()).toBe('1');

    const stolen = rules[0]!.replace('--queue-num 0', '--queue-num 9').replaceAll('"', '').split(' ');
    await router.exec('iptables-nft', ['-t', 'mangle', '-R', 'FORWARD', '1', ...stolen.slice(2)]);
    await until('the changed rule is replaced', () => count(running, again) === 3);
    expect(await own()).toEqual(rules);
    expect(count(running, gone)).toBe(3);

    expect(await running.stop()).toMatchObject({ exitCode: 0 });
    expect(await own()).toEqual([]);
    expect(await callIptables()).toBe('0');
  });

  it('are installed again by HUP, without --config', async () => {
    const running = await start(...BRIDGED);
    const rules = await own();
    await flush();
    running.kill('SIGHUP');
    // A glance may have been faster than the HUP.
    await running.says(/HUP without --config: .*rules: (restored|intact)/);
    expect(await own()).toEqual(rules);
    expect(await running.stop()).toMatchObject({ exitCode: 0 });
    expect(await callIptables()).toBe('0');
  });

  it('do not keep the end from putting the sysctl back', async () => {
    const running = await start(...BRIDGED);
    expect(await callIptables()).toBe('1');
    await flush();
    expect(await running.stop()).toMatchObject({ exitCode: 0 });
    // Gone at the end, or put back by a glance just before it: the sysctl is this run's to put back either way.
    expect(await own()).toEqual([]);
    expect(await callIptables()).toBe('0');
  });
});

describe('clear-df rules show', () => {
  it('fails when no backend can be read, instead of showing no rules', async () => {
    const folder = await lab.scratch();
    for (const tool of ['iptables-legacy-save', 'iptables-nft-save', 'nft']) {
      await writeFile(path.join(folder, tool), '#!/bin/sh\necho "no such protocol" >&2\nexit 1\n', { mode: 0o755 });
    }
    const search = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    const { exitCode, stdout, stderr } = await router.try(process.execPath, [MAIN, 'rules', 'show'], undefined, search);
    expect({ exitCode, stdout }, stderr).toEqual({ exitCode: 4, stdout: '' });
    for (const backend of ['iptables-legacy', 'iptables-nft', 'nft']) {
      expect(stderr).toContain(`${backend}: no such protocol`);
    }
  });

  it('refuses a name that no instance can have', async () => {
    const { exitCode, stderr } = await clearDf(router, ['rules', 'show', '--name', 'a b']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("--name: 'a b' is not accepted");
  });
});

describe('clear-df rules beside a run', () => {
  it('takes nothing from it unasked', async () => {
    const running = await start('--install-rules', '--metrics', 'off');
    const before = await rulesText(router);
    for (const args of [['install', '--queue', '9'], ['remove']]) {
      const { exitCode, stderr } = await clearDf(router, ['rules', ...args]);
      expect(exitCode, stderr).toBe(5);
      for (const part of ['feed queue 0', `process ${running.pid} (`, '--force', '--name'])
        expect(stderr).toContain(part);
    }
    expect(await rulesText(router)).toBe(before);
    // The same queue is no loss to anyone.
    expect((await clearDf(router, ['rules', 'install', '--queue', '0', '--proto', 'esp'])).exitCode).toBe(0);
    expect((await clearDf(router, ['rules', 'install', '--queue', '9', '--force'])).exitCode).toBe(0);
    expect((await own())[0]).toContain('--queue-num 9');
    expect((await clearDf(router, ['rules', 'remove', '--force'])).exitCode).toBe(0);
    expect(await own()).toEqual([]);
    expect(await running.stop()).toMatchObject({ exitCode: 0 });
    // And nobody's rules are anybody's to remove.
    expect((await clearDf(router, ['rules', 'install', '--queue', '0'])).exitCode).toBe(0);
    expect((await clearDf(router, ['rules', 'remove'])).exitCode).toBe(0);
  });
});

describe('CAP_NET_ADMIN and no other right', () => {
  const only = ['--inh-caps=-all,+net_admin', '--bounding-set=-all,+net_admin'];
  const users: [string, string[]][] = [
    ['nobody', ['--reuid=65534', '--regid=65534', '--clear-groups', '--ambient-caps=-all,+net_admin', ...only]],
    ['root', only],
  ];
  const node = [process.execPath, MAIN];

  // With a table of its own the legacy variant cannot be read without a raw socket.
  beforeEach(() => router.exec('iptables-legacy', ['-t', 'mangle', '-L']));

  it.each(users)('%s: a run starts, ends and starts again, and leaves nothing', async (_, user) => {
    for (let round = 0; round < 2; round += 1) {
      const running = router.spawn('setpriv', [...user, ...node, '--queue', '0', ...BRIDGED]);
      await running.says(/clear-df is running/);
      expect(running.stderr).toContain('rules of iptables-legacy are not known');
      expect(await own()).toHaveLength(1);
      expect(await callIptables()).toBe('1');
      expect(await running.stop(), running.stderr).toMatchObject({ exitCode: 0 });
      expect(await own()).toEqual([]);
      expect(await callIptables()).toBe('0');
    }
  });

  it.each(users)(
    '%s: a backend that could not be read again is refused, and what it takes is named',
    async (_, user) => {
      const args = ['--queue', '0', ...BRIDGED, '--backend', 'iptables-legacy'];
      const { exitCode, stderr } = await router.try('setpriv', [...user, ...node, ...args]);
      expect(exitCode, stderr).toBe(3);
      expect(stderr).toMatch(/CAP_NET_RAW and CAP_DAC_OVERRIDE/);
      expect(stderr).not.toContain('queue 0 bound');
      expect(await callIptables()).toBe('0');
    },
  );

  it.each(users)('%s: the rules that can be read are shown, and that others are not known', async (_, user) => {
    await clearDf(router, ['rules', 'install', '--queue', '0', '--backend', 'iptables-nft']);
    const { exitCode, stdout, stderr } = await router.try('setpriv', [...user, ...node, 'rules', 'show']);
    expect(exitCode, stderr).toBe(1);
    expect(stdout).toContain('clear-df:default');
    expect(stderr).toContain('rules of iptables-legacy are not known');
  });
});
