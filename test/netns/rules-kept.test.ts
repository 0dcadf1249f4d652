/** Rules of a run that others take away; topology: helpers/bridged-router.ts. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BRIDGED, BridgedRouter } from '../helpers/bridged-router.js';
import { clearDf, MAIN } from '../helpers/clear-df.js';
import { rulesText } from '../helpers/kernel.js';
import type { Lab, Namespace } from '../helpers/netns.js';
import type { Running } from '../helpers/running.js';
import { source, startProgram } from '../helpers/source-program.js';
import { until } from '../helpers/until.js';

let on: BridgedRouter;
let lab: Lab;
let router: Namespace;

beforeEach(async () => {
  on = await BridgedRouter.create();
  ({ lab, router } = on);
});

afterEach(async () => {
  await on[Symbol.asyncDispose]();
});

const callIptables = () => on.callIptables();
const own = () => on.own();

async function flush(): Promise<void> {
  await router.exec('nft', ['flush', 'ruleset']);
  expect(await own()).toEqual([]);
}

async function start(...args: string[]): Promise<Running> {
  const running = router.spawn(process.execPath, [MAIN, 'run', '--queue', '0', ...args]);
  await running.says(/clear-df is running/);
  return running;
}

/** A run with rules of its own that looks at them every so many milliseconds, instead of every 30 seconds. */
async function startLooking(rulesCheckMs: number, more: Record<string, string> = {}): Promise<Running> {
  const given = { queue: '0', 'install-rules': 'true', metrics: 'off', ...more };
  const texts = Object.entries(given).map(([name, text]) => [name, { text, where: name }]);
  const program = `
    import { runClearDf } from ${source('commands/run.ts')};
    import { readOptions } from ${source('commands/options.ts')};
    const options = readOptions(${JSON.stringify(Object.fromEntries(texts))});
    await runClearDf(options, { version: '0', rulesCheckMs: ${rulesCheckMs} });`;
  const running = startProgram(router, program);
  await running.says(/clear-df is running/);
  return running;
}

function count(running: Running, words: string): number {
  return running.stderr.split(words).length - 1;
}

it("rules that go by a device's MTU follow it, without HUP", async () => {
  const running = await startLooking(50, { hook: 'prerouting', 'out-dev': 'p1', forwarded: 'true' });
  const lengths = async () => (await own()).flatMap((rule) => /--length (?:\S+)/.exec(rule) ?? []);
  expect(await lengths()).toContain('--length 0:1500');
  await router.ip('link', 'set', 'p1', 'mtu', '1400');
  await running.says(/the MTU that rules of default go by was 1500 and is 1400/);
  await until('the rules go by the new one', async () => (await lengths()).includes('--length 0:1400'));
  expect(await running.stop()).toMatchObject({ exitCode: 0 });
});

describe('rules that someone else flushed', () => {
  it('are seen at the next look, logged once and installed again; a changed sysctl and rule too', async () => {
    const running = await startLooking(50, { hook: 'bridge', 'out-dev': 'p1' });
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

/** Tools that can read nothing, before all others. */
async function broken(...tools: string[]): Promise<Record<string, string>> {
  const folder = await lab.scratch();
  for (const tool of tools) {
    await writeFile(path.join(folder, tool), '#!/bin/sh\necho "no such protocol" >&2\nexit 1\n', { mode: 0o755 });
  }
  return { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
}

describe('clear-df rules remove', () => {
  it('ends with 1 when a backend cannot be read, after removing what it found in the others', async () => {
    expect(await clearDf(router, ['rules', 'install', '--queue', '0', '--backend', 'iptables-nft'])).toMatchObject({
      exitCode: 0,
    });
    const search = await broken('iptables-legacy-save');
    const { exitCode, stderr } = await router.try(process.execPath, [MAIN, 'rules', 'remove'], undefined, search);
    expect(exitCode, stderr).toBe(1);
    expect(stderr).toMatch(/rules of iptables-legacy are not known, some may be left: [^\n]*no such protocol/);
    expect(stderr).toContain('removed rules of default from iptables-nft');
    expect(await own()).toEqual([]);
  });
});

describe('clear-df rules show', () => {
  it('fails when no backend can be read, instead of showing no rules', async () => {
    const search = await broken('iptables-legacy-save', 'iptables-nft-save', 'nft');
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
    // In the next hour it does not put back what is taken from it.
    const running = await startLooking(3_600_000);
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
