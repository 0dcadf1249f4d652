/**
 * A live run on a machine where things go wrong: tools that hang, a log that nobody reads, no process to be had.
 *
 *   router: clear-df alone
 */
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MAIN } from '../helpers/clear-df.js';
import { FaultyTools } from '../helpers/faulty-tools.js';
import { queues, rulesText } from '../helpers/kernel.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { until } from '../helpers/until.js';

const RUN = [MAIN, 'run', '--queue', '0', '--install-rules', '--metrics', 'off', '--backend', 'iptables-nft'];

let lab: Lab;
let router: Namespace;
beforeEach(async () => {
  lab = await Lab.create();
  router = await lab.namespace('router');
});
afterEach(async () => {
  await lab[Symbol.asyncDispose]();
});

async function nothingIsLeft(): Promise<void> {
  expect(await queues(router)).toEqual([]);
  expect(await rulesText(router)).not.toContain('clear-df');
}

it('TERM ends a run at once that waits for a tool which hangs behind a wrapper, and all that it has started', async () => {
  const tools = await FaultyTools.create(router);
  try {
    const running = router.spawn(process.execPath, RUN, tools.environment);
    await running.says(/clear-df is running/);
    await tools.arm('iptables-nft-save', 'hang-inside');
    running.kill('SIGHUP');
    const [wrapper] = await tools.taken();
    const started = performance.now();
    expect(await running.stop()).toEqual({ exitCode: 0, signal: undefined });
    // Its limit is a minute, on a slow machine, too.
    expect(performance.now() - started).toBeLessThan(55_000);
    await until('the group is gone', () => isEmpty(wrapper as number));
    await nothingIsLeft();
  } finally {
    await tools.remove();
  }
});

/** Whether nothing is left of a process group. */
function isEmpty(group: number): boolean {
  try {
    process.kill(-group, 0);
    return false;
  } catch {
    return true;
  }
}

/** Starts a program whose standard error is a pipe of one page that is full and that nobody reads. */
const UNREAD = `
import fcntl, os, sys
read, write = os.pipe()
fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
os.set_blocking(write, False)
try:
    while True:
        os.write(write, b'x')
except BlockingIOError:
    pass
os.set_blocking(write, True)
pid = os.fork()
if pid == 0:
    os.dup2(write, 2)
    os.close(write)
    os.execv(sys.argv[1], sys.argv[1:])
print('started', pid, flush=True)
_, status = os.waitpid(pid, 0)
print('exit code', os.waitstatus_to_exitcode(status), flush=True)
`;

it('a log that nobody reads freezes nothing: HUP and TERM work', async () => {
  const file = path.join(await lab.scratch(), 'run.yaml');
  const named = (name: string) =>
    writeFileSync(
      file,
      `name: ${name}\nqueue: 0\ninstall-rules: true\nmetrics: off\nbackend: iptables-nft\nlog-level: debug\n`,
    );
  named('one');
  const command = [process.execPath, MAIN, 'run', '--config', file];
  const running = router.spawn('/usr/bin/python3', ['-c', UNREAD, ...command]);
  const [, pid] = await running.says(/started (\d+)/);
  const ruled = async (name: string): Promise<boolean> => (await rulesText(router)).includes(`clear-df:${name}`);
  await until('its rules are there', () => ruled('one'));
  // A look of its own would put them back, sooner or later, but not under another name.
  await router.exec('iptables-nft', ['-t', 'mangle', '-F']);
  named('two');
  process.kill(Number(pid), 'SIGHUP');
  await until('they are there under another name', () => ruled('two'));
  process.kill(Number(pid), 'SIGTERM');
  await running.says(/exit code 0/);
  await nothingIsLeft();
});

it('fork fails: it goes on, logs it, and tries again', async ({ skip }) => {
  const group = `/sys/fs/cgroup/pids/clear-df-test-${process.pid}`;
  const unified = `/sys/fs/cgroup/clear-df-test-${process.pid}`;
  const folder = [group, unified].find((one) => made(one));
  if (folder === undefined) return skip('kernel: no cgroup that limits processes');
  const running = router.spawn(process.execPath, RUN);
  try {
    await running.says(/clear-df is running/);
    writeFileSync(path.join(folder, 'cgroup.procs'), String(running.pid));
    writeFileSync(path.join(folder, 'pids.max'), '1');
    await router.exec('iptables-nft', ['-t', 'mangle', '-A', 'OUTPUT', '-p', 'icmp']);
    await running.says(/cannot be looked at in iptables-nft: .*(EAGAIN|ENOMEM)/);
    writeFileSync(path.join(folder, 'pids.max'), 'max');
    await router.exec('iptables-nft', ['-t', 'mangle', '-F']);
    await running.says(/rules of default are installed again/);
    expect(await running.stop()).toEqual({ exitCode: 0, signal: undefined });
    await nothingIsLeft();
  } finally {
    // Of a test that failed, too: a group that has processes stays.
    running.kill('SIGKILL');
    await until('the group is removed', () => isRemoved(folder));
  }
});

function made(folder: string): boolean {
  try {
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'pids.max'), 'max');
    return true;
  } catch {
    isRemoved(folder);
    return false;
  }
}

function isRemoved(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}
