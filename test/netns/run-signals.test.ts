/**
 * Signals of `clear-df run` that are neither an ordinary TERM nor a HUP with a file.
 *
 *   router: clear-df alone
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearDf, MAIN } from '../helpers/clear-df.js';
import { queues, rulesText } from '../helpers/kernel.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import type { Running } from '../helpers/running.js';
import { until } from '../helpers/until.js';

const RUN = ['run', '--queue', '0', '--install-rules', '--metrics', 'off'];

let lab: Lab;
let router: Namespace;

beforeEach(async () => {
  lab = await Lab.create();
  router = await lab.namespace('router');
});

afterEach(async () => {
  await lab[Symbol.asyncDispose]();
});

interface Starting {
  running: Running;
  /** Lets it come further. */
  release: () => Promise<void>;
}

/**
 * Starts a run and returns at the first moment that it has an answer to HUP (signal 1). It comes no further before it is
 * released: firewall tools, which it asks before it is running, do not answer.
 */
async function watching(): Promise<Starting> {
  const folder = await lab.scratch();
  const gate = path.join(folder, 'open');
  for (const tool of ['iptables-legacy-save', 'iptables-nft-save', 'iptables-nft-restore', 'nft']) {
    const waits = `#!/bin/sh\nwhile [ ! -e ${gate} ]; do sleep 0.02; done\nexec /usr/sbin/${tool} "$@"\n`;
    await writeFile(path.join(folder, tool), waits, { mode: 0o755 });
  }
  const search = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
  const running = router.spawn(process.execPath, [MAIN, ...RUN], search);
  await until('HUP is caught', async () => {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(await readFile(`/proc/${running.pid}/status`, 'utf8'))?.[1];
    return (BigInt(`0x${caught}`) & 1n) === 1n;
  });
  expect(running.stderr).not.toContain('clear-df is running');
  return { running, release: () => writeFile(gate, '') };
}

describe('during the start', () => {
  it('HUP waits until it runs', async () => {
    const { running, release } = await watching();
    running.kill('SIGHUP');
    await release();
    await running.says(/clear-df is running[^]*HUP without --config/);
    expect(await running.stop()).toEqual({ exitCode: 0, signal: undefined });
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR2'] as const)('%s ends it with nothing left', async (signal) => {
    const { running, release } = await watching();
    running.kill(signal);
    await release();
    expect(await running.wait()).toEqual({ exitCode: 0, signal: undefined });
    expect(await queues(router)).toEqual([]);
    expect(await rulesText(router)).not.toContain('clear-df');
  });
});

describe('while it runs', () => {
  it('USR1 opens no debugger, ALRM ends nothing', async () => {
    const running = router.spawn(process.execPath, [MAIN, ...RUN]);
    await running.says(/clear-df is running/);
    for (const signal of ['SIGUSR1', 'SIGALRM'] as const) {
      running.kill(signal);
      await running.says(new RegExp(`${signal} is ignored`));
    }
    expect(await router.exec('ss', ['-Hltn'])).toBe('');
    expect(running.stderr).not.toContain('Debugger');
    expect(await running.stop('SIGQUIT')).toEqual({ exitCode: 0, signal: undefined });
    expect(await rulesText(router)).not.toContain('clear-df');
  });

  it('a terminal that goes away ends it', async () => {
    const running = router.spawn('/usr/bin/python3', ['-c', TERMINAL, process.execPath, MAIN, ...RUN]);
    await running.says(/exit code (\d+)/);
    expect(running.stdout).toContain('exit code 0');
    expect(await queues(router)).toEqual([]);
    expect(await rulesText(router)).not.toContain('clear-df');
  });
});

/** Runs a command on a terminal of its own, closes the terminal once it runs, and tells how the command ended. */
const TERMINAL = `
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = b''
while b'clear-df is running' not in said:
    said += os.read(terminal, 4096)
os.close(terminal)
print('exit code', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe('a firewall tool', () => {
  it('that was killed is no verdict on its backend', async () => {
    const folder = await lab.scratch();
    const tool = ['#!/bin/sh', 'kill -INT $$', ''].join('\n');
    await router.exec('sh', [
      '-c',
      'printf %s "$1" >"$2" && chmod 755 "$2"',
      'sh',
      tool,
      `${folder}/iptables-nft-restore`,
    ]);
    const search = { PATH: `${folder}:${process.env['PATH'] ?? ''}` };
    const { exitCode, stderr } = await router.try(process.execPath, [MAIN, ...RUN], undefined, search);
    expect(exitCode, stderr).toBe(1);
    expect(stderr).toMatch(/iptables-nft-restore .*killed by SIGINT/);
    expect(await router.exec('iptables-legacy-save')).not.toContain('clear-df');
  });
});

it('two TERMs at once are one: the rules go', async () => {
  const running = router.spawn(process.execPath, [MAIN, ...RUN]);
  await running.says(/clear-df is running/);
  running.kill('SIGSTOP');
  running.kill('SIGTERM');
  running.kill('SIGINT');
  running.kill('SIGCONT');
  expect(await running.wait()).toEqual({ exitCode: 0, signal: undefined });
  expect(await rulesText(router)).not.toContain('clear-df');
});

it('a third signal ends it at once, and names what may be left', async () => {
  const running = router.spawn(process.execPath, [MAIN, ...RUN]);
  await running.says(/clear-df is running/);
  running.kill('SIGSTOP');
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) running.kill(signal);
  running.kill('SIGCONT');
  await running.wait();
  expect(running.stderr).toContain('clear-df: rules of default may be left: clear-df rules remove --name default\n');
  expect((await clearDf(router, ['rules', 'remove', '--name', 'default'])).exitCode).toBe(0);
});
