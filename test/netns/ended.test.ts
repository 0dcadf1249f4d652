/**
 * TERM ends every command that watches signals at once, whatever it waits for: a tool that hangs, or another clear-df.
 *
 *   machine: lan0 ─ x0, wan0 ─ x1 (veth), the default route by wan0
 */
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ONE_CORE } from '../helpers/bench-here.js';
import { MAIN } from '../helpers/clear-df.js';
import { FaultyTools, type Tool } from '../helpers/faulty-tools.js';
import { rulesText } from '../helpers/kernel.js';
import { MORE, variants } from '../helpers/more.js';
import type { Lab, Namespace } from '../helpers/netns.js';
import { plainRouter } from '../helpers/plain-router.js';

let lab: Lab;
let machine: Namespace;
let folder: string;

beforeEach(async () => {
  ({ lab, machine, folder } = await plainRouter());
});
afterEach(() => lab[Symbol.asyncDispose]());

/** Of a tool, on a slow machine, too: who waits for it has waited as long. */
const LIMIT_MS = 60_000;

describe('TERM while a tool hangs ends', () => {
  type Case = [command: string, words: string[], tool: Tool, exitCode: number];
  const path = ['--purpose', 'path', '--in-dev', 'lan0', '--yes'];
  const run = [
    '--queue',
    '0',
    '--install-rules',
    '--metrics',
    'off',
    '--backend',
    'iptables-nft',
    '--fast-path',
    'off',
  ];
  const trace = ['--from', '192.0.2.1', '--to', '192.0.2.254', '--seconds', '1'];
  const cases = [
    ...variants<Case>(
      ['setup', path, 'iptables-nft-save', 143],
      ['doctor', ['--fix', '--yes'], 'ip', 143],
      ['doctor', ['--fix', '--dry-run'], 'nft', 143],
      ['run', [...run, '--dry-run'], 'iptables-nft-save', 1],
    ),
    ['trace', trace, 'nft', 1] satisfies Case,
  ];

  it.each(cases)('%s %j', async (command, words, tool, exitCode) => {
    const args = command === 'setup' ? ['--output', folder, ...words] : words;
    await endsAtOnce([command, ...args], tool, exitCode);
    // Whatever it has come to by then.
    expect(existsSync(folder)).toBe(false);
    expect(await rulesText(machine)).not.toContain('clear-df');
  });

  if (MORE) {
    it('bench', async ({ skip }) => {
      if (ONE_CORE) skip('kernel: it gives this process one core');
      await endsAtOnce(['bench', '--here', '--seconds', '0.1'], 'ip', 1);
    });
  }
});

async function endsAtOnce(words: string[], tool: Tool, exitCode: number): Promise<void> {
  const tools = await FaultyTools.create(machine);
  try {
    await tools.arm(tool, 'hang-inside');
    // By env: the `ip` that enters the namespace is not to meet the fault.
    const running = machine.spawn('env', [`PATH=${tools.environment['PATH']}`, process.execPath, MAIN, ...words]);
    await tools.taken();
    const started = performance.now();
    // Not by stop(), which kills after some seconds what ends slowly because the machine is slow.
    process.kill(running.pid, 'SIGTERM');
    expect(await running.wait(), running.stderr).toEqual({ exitCode, signal: undefined });
    expect(performance.now() - started).toBeLessThan(LIMIT_MS - 5000);
  } finally {
    await tools.remove();
  }
}

it('TERM ends tunnel down while it waits for the change of another tunnel', async () => {
  const inode = (await machine.exec('stat', ['-Lc', '%i', '/proc/self/ns/net'])).trim();
  const lock = `/run/clear-df/tunnels-${inode}.lock`;
  await machine.exec('mkdir', ['-p', '/run/clear-df']);
  const other = machine.spawn('flock', ['--no-fork', lock, 'sh', '-c', 'echo held; exec sleep 1000']);
  await other.says(/held/);
  const down = machine.spawn(process.execPath, [MAIN, 'tunnel', 'down', '--name', 'site-a']);
  await down.says(/waiting: .*the tunnels of this network namespace/);
  expect(await down.stop()).toEqual({ exitCode: 5, signal: undefined });
  await other.stop();
});
