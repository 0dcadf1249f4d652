/**
 * A run with several rules, made in code as `clear-df tunnel` makes them, and the bridge hook by a bridge's own flag.
 *
 *   a eth0 (10.0.0.1/24) ───── p1 br0 p2 ───── eth0 (10.0.0.2/24) b
 *                              router wan (192.0.2.1/24) ───── eth0 (192.0.2.2/24) c
 *
 * The rules queue what is bridged towards p2, and what the router itself sends to c. DF is set in every echo request;
 * the replies go the other way, and match neither rule.
 */
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkBridgeQueue } from '../../src/host/firewall/bridge.js';
import type { RuleSpecInput } from '../../src/rules/spec.js';
import { clearDf } from '../helpers/clear-df.js';
import { variants } from '../helpers/more.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import type { Running } from '../helpers/running.js';
import { source, startProgram } from '../helpers/source-program.js';

const CALL_IPTABLES = 'net.bridge.bridge-nf-call-iptables';
const RULES: Partial<RuleSpecInput>[] = [
  { hook: 'bridge', outDev: 'p2' },
  { hook: 'output', proto: 'all', local: '192.0.2.1', remote: '192.0.2.2' },
];

let lab: Lab;
let router: Namespace;
let a: Namespace;

beforeEach(async () => {
  lab = await Lab.create();
  const bridge = ['link add br0 type bridge', 'link set p1 master br0', 'link set p2 master br0', 'link set br0 up'];
  const hosts = { router: { sysctl: { [CALL_IPTABLES]: 0 }, ip: bridge }, a: {}, b: {}, c: {} };
  ({ router, a } = await lab.build(hosts, [
    [
      { at: 'a', dev: 'eth0', address: '10.0.0.1/24' },
      { at: 'router', dev: 'p1' },
    ],
    [
      { at: 'b', dev: 'eth0', address: '10.0.0.2/24' },
      { at: 'router', dev: 'p2' },
    ],
    [
      { at: 'router', dev: 'wan', address: '192.0.2.1/24' },
      { at: 'c', dev: 'eth0', address: '192.0.2.2/24' },
    ],
  ]));
});

afterEach(async () => {
  await lab[Symbol.asyncDispose]();
});

interface Run {
  rules?: Partial<RuleSpecInput>[];
  backend?: string;
  environment?: Record<string, string>;
  /** Lines of the program before the run. */
  before?: string;
  rulesCheckMs?: number;
}

/** A run as a program starts it; its own looks at the rules are an hour apart, so that only HUP makes it look. */
async function start({
  rules = RULES,
  backend,
  environment,
  before,
  rulesCheckMs = 3_600_000,
}: Run = {}): Promise<Running> {
  const program = `
    import { runClearDf } from ${source('commands/run.ts')};
    import { optionsFor } from ${source('commands/options.ts')};
    import { parseRuleSpec } from ${source('rules/spec.ts')};
    import { RuleKeeper } from ${source('commands/rule-keeper.ts')};
    ${before ?? ''}
    const queues = { first: 3, last: 3 };
    const asked = ${JSON.stringify(rules)};
    const rules = asked.map((each) => parseRuleSpec({ queues, name: 'site', ...each }));
    const options = optionsFor({ queues, rules, metrics: 'off', 'log-level': 'debug', backend: ${JSON.stringify(backend)} });
    await runClearDf(options, { version: '0', rulesCheckMs: ${rulesCheckMs} });`;
  const running = startProgram(router, program, environment);
  await running.says(/clear-df is running/);
  return running;
}

/** What a run answers to its n-th HUP. */
async function look(running: Running, state: string, nth: number): Promise<void> {
  running.kill('SIGHUP');
  await running.says(new RegExp(`(?:rules: \\w+"[^]*){${nth - 1}}HUP without --config: [^\\n]*rules: ${state}"`));
}

async function callIptables(): Promise<string> {
  return router.read('/proc/sys/net/bridge/bridge-nf-call-iptables');
}

async function bridgeFlag(value: 0 | 1): Promise<void> {
  await router.ip('link', 'set', 'br0', 'type', 'bridge', 'nf_call_iptables', String(value));
}

/** The run's own rules, each with the packets that it matched. */
async function own(backend: string): Promise<[packets: number, rule: string][]> {
  const text = await router.exec(`${backend}-save`, ['-c', '-t', 'mangle']);
  return text
    .split('\n')
    .filter((line) => line.includes('clear-df:site'))
    .map((line) => [Number(/^\[(\d+):/.exec(line)?.[1]), line.replace(/^\[[^\]]*\] /, '')]);
}

async function ping(from: Namespace, to: string, count: number): Promise<void> {
  await from.exec('ping', ['-q', '-i', '0.01', '-W', '5', '-M', 'do', '-c', String(count), to]);
}

function count(running: Running, words: string): number {
  return running.stderr.split(words).length - 1;
}

describe.each(variants('iptables-nft', 'iptables-legacy'))('several rules in %s', (backend) => {
  it('come, stay and go as one', async () => {
    const running = await start({ backend });
    const rules = (await own(backend)).map(([, rule]) => rule);
    expect(rules).toHaveLength(2);
    expect(rules[0]).toMatch(/^-A FORWARD .*--physdev-out p2 .*--queue-num 3/);
    expect(rules[1]).toMatch(/^-A OUTPUT -s 192\.0\.2\.1\/32 -d 192\.0\.2\.2\/32 .*--queue-num 3/);
    expect(count(running, `${backend}-restore --noflush`)).toBe(1);
    expect(await callIptables()).toBe('1');

    await ping(a, '10.0.0.2', 3);
    await ping(router, '192.0.2.2', 4);
    expect((await own(backend)).map(([packets]) => packets)).toEqual([3, 4]);
    await look(running, 'intact', 1);

    // One of two is gone: both come again, and none twice.
    await router.exec(backend, ['-t', 'mangle', '-D', 'OUTPUT', '1']);
    expect(await own(backend)).toHaveLength(1);
    await look(running, 'restored', 2);
    expect((await own(backend)).map(([, rule]) => rule)).toEqual(rules);
    await look(running, 'intact', 3);

    expect(await running.stop(), running.stderr).toMatchObject({ exitCode: 0 });
    expect(running.stderr).toContain('ended: 7 packets, 7 cleared');
    expect(await own(backend)).toEqual([]);
    expect(await callIptables()).toBe('0');
  });
});

describe('several rules in nft', () => {
  it('are tables of two families, in one transaction', async ({ skip }) => {
    try {
      checkBridgeQueue();
    } catch {
      skip('kernel: it loses the packets of an nft bridge queue');
    }
    const environment = await nftThatCanQueue();
    const running = await start({ backend: 'nft', environment });
    const tables = async () => (await router.exec('nft', ['list', 'tables'])).split('\n').filter(Boolean).sort();
    const both = ['table bridge clear_df_site', 'table ip clear_df_site'];
    expect(await tables()).toEqual(both);
    expect(count(running, 'nft -f - <<')).toBe(1);
    // The bridge family needs no br_netfilter.
    expect(await callIptables()).toBe('0');
    const { stdout } = await clearDf(router, ['rules', 'show', '--name', 'site']);
    const shown = stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t').slice(0, 3));
    expect(shown.sort()).toEqual([
      ['site', 'nft', 'bridge clear_df_site forward'],
      ['site', 'nft', 'ip clear_df_site output'],
    ]);
    await look(running, 'intact', 1);
    await router.exec('nft', ['delete', 'table', 'bridge', 'clear_df_site']);
    // A glance may be faster than the HUP.
    await look(running, '(?:restored|intact)', 2);
    expect(await tables()).toEqual(both);
    await look(running, 'intact', 3);
    expect(await running.stop(), running.stderr).toMatchObject({ exitCode: 0 });
    expect(await tables()).toEqual([]);
  });
});

/** Where the kernel has no queue expression, an nft that writes `accept` in its place: tables are what is looked at. */
async function nftThatCanQueue(): Promise<Record<string, string>> {
  const folder = await lab.scratch();
  const rules = path.join(folder, 'queue.nft');
  await writeFile(rules, 'table ip q { chain c { queue num 0; }; }\n');
  if ((await router.try('nft', ['--check', '-f', rules])).exitCode === 0) return {};
  const tool = path.join(folder, 'nft');
  await writeFile(
    tool,
    `#!/bin/sh
case "$*" in *"-f -") sed 's/ queue num [0-9-]* bypass/ accept/' | exec /usr/sbin/nft "$@" ;; esac
exec /usr/sbin/nft "$@"
`,
  );
  await chmod(tool, 0o755);
  return { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
}

describe("a bridge's own nf_call_iptables", () => {
  it('is enough: no other bridge is touched', async () => {
    await bridgeFlag(1);
    const running = await start({ backend: 'iptables-nft' });
    expect(await callIptables()).toBe('0');
    await ping(a, '10.0.0.2', 3);
    expect((await own('iptables-nft'))[0]?.[0]).toBe(3);
    await look(running, 'intact', 1);

    // Switched off, and what a run would have done without it is done; put back at the end.
    await bridgeFlag(0);
    await look(running, 'restored', 2);
    expect(await callIptables()).toBe('1');
    await ping(a, '10.0.0.2', 2);
    expect((await own('iptables-nft'))[0]?.[0]).toBe(5);
    expect(await running.stop(), running.stderr).toMatchObject({ exitCode: 0 });
    expect(running.stderr).toContain('ended: 5 packets, 5 cleared');
    expect(await callIptables()).toBe('0');
  });

  it('is enough only when the bridge of every port has it', async () => {
    await bridgeFlag(1);
    await lab.link({ at: a, dev: 'eth1' }, { at: router, dev: 'q1' });
    await router.ip('link', 'add', 'br1', 'type', 'bridge');
    await router.ip('link', 'set', 'q1', 'master', 'br1');
    const rules = ['p2', 'q1'].map((outDev) => ({ hook: 'bridge' as const, outDev }));
    const running = await start({ backend: 'iptables-nft', rules });
    expect(await own('iptables-nft')).toHaveLength(2);
    expect(await callIptables()).toBe('1');
    expect(await running.stop(), running.stderr).toMatchObject({ exitCode: 0 });
    expect(await callIptables()).toBe('0');
  });

  it('is not looked for at a port that is in no bridge, and cannot be at one that is gone', async () => {
    await bridgeFlag(1);
    const running = await start({ backend: 'iptables-nft' });
    await router.ip('link', 'set', 'p2', 'nomaster');
    await look(running, 'intact', 1);
    expect(await callIptables()).toBe('0');
    await router.ip('link', 'delete', 'p2');
    await look(running, 'unknown', 2);
    await look(running, 'unknown', 3);
    expect(count(running, 'rules of site cannot be looked at in iptables-nft')).toBe(1);
    expect(await callIptables()).toBe('0');
    expect(await running.stop(), running.stderr).toMatchObject({ exitCode: 0 });
    expect(await own('iptables-nft')).toEqual([]);
  });

  it('is enough for rules without a run too', async () => {
    await bridgeFlag(1);
    const install = ['rules', 'install', '--queue', '3', '--name', 'site', '--hook', 'bridge', '--out-dev', 'p2'];
    for (const words of ['would install 1 rule', 'installed 1 rule', 'already there: 1 rule']) {
      const { exitCode, stderr } = await clearDf(
        router,
        words.startsWith('would') ? [...install, '--dry-run'] : install,
      );
      expect(exitCode, stderr).toBe(0);
      expect(stderr).toContain(words);
      expect(await callIptables()).toBe('0');
    }
    // Nobody listens: the rule lets them by, and counts.
    await ping(a, '10.0.0.2', 3);
    expect((await own('iptables-nft'))[0]?.[0]).toBe(3);
    expect((await clearDf(router, ['rules', 'remove', '--name', 'site'])).exitCode).toBe(0);
    expect(await callIptables()).toBe('0');
    // Without it the sysctl is switched on as ever.
    await bridgeFlag(0);
    expect((await clearDf(router, install)).exitCode).toBe(0);
    expect(await callIptables()).toBe('1');
    expect((await clearDf(router, ['rules', 'remove', '--name', 'site'])).exitCode).toBe(0);
    expect(await callIptables()).toBe('0');
  });
});

describe('a look at the rules that fails', () => {
  it('is reported with its own reason, and the run goes on', async () => {
    const before = "RuleKeeper.prototype.check = () => Promise.reject(new Error('planted'));";
    const running = await start({ rules: RULES.slice(1), before, rulesCheckMs: 20 });
    await running.says(/(the look at the rules failed, and will be repeated: planted[^]*){2}/);
    expect(running.stderr).not.toContain('not reloaded');
    expect(await running.stop(), running.stderr).toMatchObject({ exitCode: 0 });
  });
});
