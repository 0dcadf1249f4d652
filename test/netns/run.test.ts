/**
 * `clear-df run` from start to end: what it installs, what a HUP changes, what it leaves.
 *
 *   host eth0 ───── eth0 192.0.2.1/24 router: clear-df; foreign rules that must survive
 *
 * No packets flow: rules, queues and words are what is looked at.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearDf, MAIN, readStats } from '../helpers/clear-df.js';
import { queue, queues, rulesText } from '../helpers/kernel.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import type { Running } from '../helpers/running.js';
import { until } from '../helpers/until.js';

let lab: Lab;
let router: Namespace;
let foreign: string;
let config: string;

beforeEach(async () => {
  lab = await Lab.create();
  ({ router } = await lab.build({ router: {}, host: {} }, [
    [
      { at: 'router', dev: 'eth0', address: '192.0.2.1/24' },
      { at: 'host', dev: 'eth0' },
    ],
  ]));
  for (const chain of ['OUTPUT', 'PREROUTING']) {
    await router.exec('iptables', ['-t', 'mangle', '-A', chain, '-p', 'icmp', '-m', 'comment', '--comment', 'foreign']);
  }
  foreign = await rulesText(router);
  config = path.join(await lab.scratch(), 'clear-df.yaml');
});

afterEach(async () => {
  await lab[Symbol.asyncDispose]();
});

async function start(...args: string[]): Promise<Running> {
  const running = router.spawn(process.execPath, [MAIN, 'run', ...args]);
  await running.says(/clear-df is running/);
  return running;
}

/** The log so far, a line an object. */
function log({ stderr }: Running): Record<string, unknown>[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Puts `text` in the file, sends HUP and returns what is logged up to the line that ends the reload. */
async function reload(running: Running, text: string): Promise<Record<string, unknown>[]> {
  await writeFile(config, text);
  const before = log(running).length;
  running.kill('SIGHUP');
  const done = /^(file read again|not reloaded)/;
  return until('the reload is over', () => {
    const lines = log(running).slice(before);
    return lines.some(({ msg }) => done.test(String(msg))) ? lines : undefined;
  });
}

describe('a whole run', () => {
  it('TERM removes its rules, leaves foreign ones, and logs the counters', async () => {
    const running = await start('--queue', '4:5', '--install-rules', '--remote', '192.0.2.9');
    expect(await rulesText(router)).toContain('-d 192.0.2.9/32 -p gre');
    expect(await rulesText(router)).toContain('--queue-balance 4:5');
    expect((await queues(router)).map((line) => line.queue).sort((a, b) => a - b)).toEqual([4, 5, 65535]);
    const bound = log(running).find(({ msg }) => String(msg).startsWith('queue 4:5 bound'));
    expect(bound).toMatchObject({ queue: '4:5', companion: 65535, identification: 'random', gso: 'auto' });
    expect(log(running).find(({ msg }) => msg === 'settings taken by the kernel')).toMatchObject({
      'fail-open': 1,
      gso: 1,
    });

    expect(await running.stop()).toEqual({ exitCode: 0, signal: undefined });
    expect(running.stdout).toBe('');
    expect(log(running).at(-1)).toMatchObject({ reason: 'SIGTERM', packets: 0, cleared: 0 });
    expect(await queues(router)).toEqual([]);
    expect(await rulesText(router)).toBe(foreign);
  });

  it('INT does the same', async () => {
    const running = await start('--queue', '0', '--install-rules');
    expect(await running.stop('SIGINT')).toEqual({ exitCode: 0, signal: undefined });
    expect(await rulesText(router)).toBe(foreign);
  });

  it('a third signal ends it at once; the next run owns the rules that stayed, and removes them', async () => {
    const first = await start('--queue', '0', '--install-rules');
    first.kill('SIGSTOP');
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) first.kill(signal);
    first.kill('SIGCONT');
    const { exitCode } = await first.wait();
    // The kernel chooses in which order it delivers them.
    expect([128 + 2, 128 + 3, 128 + 15]).toContain(exitCode);
    expect(await queue(router, 0)).toBeUndefined();
    expect(await rulesText(router)).toContain('clear-df:default');

    const second = await start('--queue', '0', '--install-rules');
    await second.says(/were there already; this run owns them now/);
    expect((await rulesText(router)).match(/clear-df:default/g)).toHaveLength(1);
    expect(await second.stop()).toMatchObject({ exitCode: 0 });
    expect(await rulesText(router)).toBe(foreign);
  });

  it('two runs side by side: the second goes without the default address, and logs it', async () => {
    const first = await start('--queue', '0', '--install-rules');
    const second = await start('--queue', '10', '--install-rules', '--name', 'second', '--hook', 'postrouting');
    await second.says(/no statistics are served: .*127\.0\.0\.1:9857/);
    expect(await rulesText(router)).toMatch(/clear-df:default.*\n[^]*clear-df:second/);
    expect(await first.stop()).toMatchObject({ exitCode: 0 });
    expect(await rulesText(router)).toContain('clear-df:second');
    expect(await second.stop()).toMatchObject({ exitCode: 0 });
    expect(await rulesText(router)).toBe(foreign);
  });

  it('without rules of its own it says how to install some', async () => {
    const running = await start('--queue', '3');
    await running.says(/clear-df rules install --queue 3/);
    expect(await rulesText(router)).toBe(foreign);
  });

  it('a line of rates at every interval', async () => {
    const running = await start('--queue', '0', '--stats', '0.1');
    await until('two lines', () => log(running).filter((line) => 'packetsPerSecond' in line).length >= 2);
  });

  it('outlives the reader of its log', async () => {
    const piped = ['-c', `"$@" 2>&1 | head -n 1; sleep infinity`, 'sh', process.execPath, MAIN, 'run', '--queue', '0'];
    const shell = router.spawn('sh', [...piped, '--stats', '0.1']);
    await shell.says(/queue 0 bound/);
    await until('statistics are served', async () => (await readStats(router)).exitCode === 0);
    const uptime = async (): Promise<number> => {
      const { stdout } = await readStats(router);
      return (JSON.parse(stdout) as { uptimeSeconds: number }).uptimeSeconds;
    };
    // Ten lines into a pipe that nobody reads.
    const before = await uptime();
    await until('it still runs', async () => (await uptime()) > before + 1);
    expect(shell.ended).toBeUndefined();
  });
});

describe('HUP', () => {
  it('takes what can change without unbinding', async () => {
    await writeFile(config, 'queue: 0\ninstall-rules: true\n');
    const running = await start('--config', config);
    const holder = await queue(router, 0);
    const next = [
      'queue: 0',
      'identification: keep',
      'log-level: debug',
      'stats: 0.1',
      'metrics: 127.0.0.1:9858',
      'install-rules: true',
      'hook: postrouting',
      'name: other',
    ];
    const lines = await reload(running, `${next.join('\n')}\n`);
    const options = lines.filter(({ option }) => option !== undefined).map(({ option }) => option);
    expect(options).toEqual(['identification', 'hook', 'name', 'metrics', 'stats', 'log-level']);
    expect(lines.at(-1)).toMatchObject({ msg: 'file read again', changed: 6 });
    await running.says(/packetsPerSecond/);
    expect(await rulesText(router)).toMatch(/-A POSTROUTING .*clear-df:other/);
    expect(await rulesText(router)).not.toContain('clear-df:default');
    expect((await clearDf(router, ['stats', '--json'])).exitCode).not.toBe(0);
    expect((await clearDf(router, ['stats', '--json', '--from', '127.0.0.1:9858'])).exitCode).toBe(0);
    // The queue was never let go.
    expect(await queue(router, 0)).toEqual(holder);

    await reload(running, 'queue: 0\n');
    expect(await rulesText(router)).toBe(foreign);
    expect(await running.stop()).toMatchObject({ exitCode: 0 });
    expect(await rulesText(router)).toBe(foreign);
  });

  it('names what cannot change, and keeps it', async () => {
    await writeFile(config, 'queue: 0\nstats: 60\n');
    const running = await start('--config', config);
    const bound = await queues(router);
    const text =
      'queue: 7\ngso: off\nfail-open: false\nqueue-length: 5\nreceive-buffer: 65536\ncopy-range: 64\nstats: 60\n';
    const lines = await reload(running, text);
    const kept = lines.filter(({ level }) => level === 'warn');
    expect(kept.map(({ option, before, after }) => [option, before, after])).toEqual([
      ['queue', '0', '7'],
      ['gso', 'auto', 'off'],
      ['fail-open', 'true', 'false'],
      ['queue-length', '1048576', '5'],
      ['receive-buffer', '67108864', '65536'],
      ['copy-range', '65531', '64'],
    ]);
    expect(await queues(router)).toEqual(bound);
  });

  it('a file that does not do leaves everything as it is, and the next good one is read as ever', async () => {
    await writeFile(config, 'queue: 0\ninstall-rules: true\nidentification: keep\n');
    const running = await start('--config', config);
    const before = { rules: await rulesText(router), queues: await queues(router) };
    for (const [what, text, place, reason] of [
      ['an unknown key', 'queue: 0\nquueue: 1\n', ':2:1', "unknown key 'quueue'"],
      ['broken YAML', 'queue: [\n', ':', 'not sound YAML'],
      ['a rule that does not go', 'queue: 0\ninstall-rules: true\nhook: prerouting\n', ':3:7 hook', '--forwarded'],
      ['no such device', 'queue: 0\ninstall-rules: true\nforwarded: true\nout-dev: nosuch0\n', '', 'nosuch0'],
      ['an address of another machine', 'queue: 0\nmetrics: 192.0.2.99:9857\n', '', 'EADDRNOTAVAIL'],
    ] as const) {
      const { level, msg } = (await reload(running, text)).at(-1) as { level: string; msg: string };
      expect(level, what).toBe('error');
      expect(msg, what).toContain('not reloaded, running on as before: ');
      if (place !== '') expect(msg, what).toContain(`${config}${place}`);
      expect(msg, what).toContain(reason);
      expect({ rules: await rulesText(router), queues: await queues(router) }, what).toEqual(before);
      expect((await readStats(router)).exitCode, what).toBe(0);
    }
    expect((await reload(running, 'queue: 0\n')).at(-1)).toMatchObject({ msg: 'file read again', changed: 2 });
    expect(await running.stop()).toMatchObject({ exitCode: 0 });
    expect(await rulesText(router)).toBe(foreign);
  });

  it('without a file is only a line in the log', async () => {
    const running = await start('--queue', '0');
    running.kill('SIGHUP');
    await running.says(/HUP without --config/);
    expect(await running.stop()).toMatchObject({ exitCode: 0 });
  });
});

describe('--dry-run', () => {
  it('changes nothing, and prints what a shell can replay', async () => {
    const args = ['--queue', '2', '--install-rules', '--proto', 'udp:4500', '--local', '192.0.2.1', '--name', 'plan'];
    const { exitCode, stdout } = await clearDf(router, ['run', ...args, '--dry-run']);
    expect(exitCode).toBe(0);
    expect(await rulesText(router)).toBe(foreign);
    expect(await queues(router)).toEqual([]);

    await router.exec('sh', ['-e', '-c', stdout]);
    const replayed = await rulesText(router);
    expect(replayed).toContain('clear-df:plan');
    expect((await clearDf(router, ['rules', 'remove', '--name', 'plan'])).exitCode).toBe(0);
    const running = await start(...args);
    expect(await rulesText(router)).toBe(replayed);
    expect(await running.stop()).toMatchObject({ exitCode: 0 });
  });
});

it('whoever asks for statistics hears at once that lo is down, wherever the default route leads', async () => {
  await router.ip('route', 'add', 'default', 'via', '192.0.2.254');
  await router.ip('link', 'set', 'lo', 'down');
  const { exitCode, stderr } = await clearDf(router, ['stats']);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 4, stderr: expect.stringContaining('(ENETDOWN)') as string });
});

it('help and version end quietly, also when the reader is gone', async () => {
  const { exitCode, stdout } = await clearDf(router, ['--version']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+$/) as string });
  expect(await clearDf(router, ['-V'])).toMatchObject({ exitCode: 0, stdout });
  const verb = await clearDf(router, ['help', 'tunnel', 'up']);
  expect(verb).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Usage: clear-df tunnel up /) as string });
  expect((await clearDf(router, ['tunnel', 'up', '--help'])).stdout).toBe(verb.stdout);
  const wrong = await clearDf(router, ['help', 'tunel', 'up']);
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("did you mean 'tunnel'?") as string });
  const shown = await clearDf(router, ['--help']);
  expect(shown.exitCode).toBe(0);
  for (const part of ['Examples:', 'Exit codes:', 'run', 'rules', 'stats', 'pcap'])
    expect(shown.stdout).toContain(part);
  const piped = await router.try('bash', [
    '-c',
    'set -o pipefail; "$@" | true',
    'bash',
    process.execPath,
    MAIN,
    '--help',
  ]);
  expect(piped).toEqual({ exitCode: 0, stdout: '', stderr: '' });
});
