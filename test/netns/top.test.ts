/**
 * `clear-df top` on a real terminal: what it shows there, and how it leaves it.
 *
 *   terminal (tmux) ── shell ── clear-df top ── 127.0.0.1:9857 ── [router] clear-df run --queue 0:31
 *
 * No packets flow: what is drawn of them, test/unit/top.test.ts shows.
 */
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { serveStats } from '../../src/report/http.js';
import { clearDf, commandOf, type Daemon, MAIN, startClearDf } from '../helpers/clear-df.js';
import { localMachine } from '../helpers/local-machine.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { MORE, variants } from '../helpers/more.js';
import { Running } from '../helpers/running.js';
import { Terminal } from '../helpers/terminal.js';
import { until } from '../helpers/until.js';
import { snapshot } from '../unit/report-samples.js';

let lab: Lab;
let router: Namespace;
let daemon: Daemon;
let top: string;
/** Makes a shell line of a command that tells how it ended, and whether the terminal has its modes back. */
let framed: (command: string) => string;
let terminal: Terminal | undefined;

beforeAll(async () => {
  lab = await Lab.create();
  ({ router } = await lab.build({ router: {} }));
  daemon = await startClearDf(router, '0:31');
  const pid = path.join(await lab.scratch(), 'pid');
  // The shell that writes its number becomes the command.
  const command = `sh -c 'echo $$ >${pid} && exec ip netns exec ${router.name} ${commandOf(router).join(' ')} top --interval 0.2'`;
  framed = (words) =>
    `stty -g >${pid}.before; ${words}; echo "ended by $?"; stty -g >${pid}.after; cmp ${pid}.before ${pid}.after && echo same modes`;
  top = framed(command);
});

afterEach(async () => {
  await terminal?.[Symbol.asyncDispose]();
  terminal = undefined;
});

afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

async function open(environment: Record<string, string> = {}): Promise<Terminal> {
  return (terminal = await Terminal.open(80, 24, { LC_ALL: 'C.UTF-8', ...environment }));
}

async function signal(name: NodeJS.Signals): Promise<void> {
  process.kill(Number(await router.read(path.join(await lab.scratch(), 'pid'))), name);
}

/** The terminal shows its shell again, as it was left, and has its modes back. */
async function expectRestored(shell: Terminal, code: number): Promise<void> {
  const shown = await shell.shows(new RegExp(`^ended by ${code}[^]*^same modes[^]*^prompt\\$`, 'm'));
  expect(shown).toMatch(/^prompt\$ echo here before/m);
  expect(shown).not.toContain('FAST PATH');
  expect(await shell.modes()).toEqual({ alternate: false, cursor: true });
}

/** Starts a program on a terminal of its own, or a pipe, that nobody reads, or that goes away, and says how it ended. */
const UNREAD = `
import fcntl, os, select, sys
what = sys.argv[1]
reader, writer = os.pipe() if what == 'pipe' else os.openpty()
if what == 'pipe':
    fcntl.fcntl(writer, 1031, 4096)  # F_SETPIPE_SZ: a reading does not fit
pid = os.fork()
if pid == 0:
    os.setsid()
    if what == 'gone':
        os.dup2(writer, 0)
    os.dup2(writer, 1)
    os.close(reader)
    os.closerange(3, 100)
    os.execv(sys.argv[2], sys.argv[2:])
if what == 'pipe':
    select.select([reader], [], [])
print('started', pid, flush=True)
if what == 'gone':
    os.close(writer)
    os.read(reader, 1)
    os.close(reader)
_, status = os.waitpid(pid, 0)
print('exit code', os.waitstatus_to_exitcode(status), flush=True)
`;

/** A server of readings that are all new, and how often it was asked. */
async function moving(): Promise<{ host: string; asked: () => number; [Symbol.asyncDispose]: () => Promise<void> }> {
  let asked = 0;
  const take = () => {
    asked += 1;
    const queues = Array.from({ length: 257 }, (_, queue) => ({ queue, counters: { packets: asked } }));
    return snapshot({ queues, parts: { uptimeSeconds: asked } });
  };
  const server = await serveStats({ host: '127.0.0.1', port: 0 }, take);
  return { host: new URL(server.url).host, asked: () => asked, [Symbol.asyncDispose]: () => server.close() };
}

describe('output that is not read', () => {
  // stats draws some 20 KB anew each time, top the lines that differ; a terminal takes 64 KiB at most.
  it.each([
    ...variants<[command: string, option: string, readings: number, what: string]>(
      ['stats', '--watch', 30, 'terminal'],
      ['top', '--interval', 80, 'terminal'],
    ),
    // There is no asking for what nobody reads.
    ['stats', '--watch', 0, 'pipe'] as const,
  ])('%s %s goes on, and ends at TERM: more than %i times on a %s', async (command, option, readings, what) => {
    await using server = await moving();
    const words = [process.execPath, MAIN, command, option, '0.1', '--from', server.host];
    const running = new Running(localMachine, ['python3', '-c', UNREAD, what, ...words]);
    const [, pid] = await running.says(/started (\d+)/);
    await until('it has been drawn more often than fits', () => server.asked() > readings);
    process.kill(Number(pid), 'SIGTERM');
    await running.says(/exit code 0/);
  });

  it.each([
    ['stats', '--watch'],
    ['top', '--interval'],
  ])('%s %s ends with its terminal, of which no signal tells', async (command, option) => {
    await using server = await moving();
    const words = [process.execPath, MAIN, command, option, '0.1', '--from', server.host];
    await new Running(localMachine, ['python3', '-c', UNREAD, 'gone', ...words]).says(/exit code 0/);
  });
});

describe('on a terminal', () => {
  it('starts, follows a change of size, scrolls, and q leaves the terminal as it was', async () => {
    const shell = await open();
    await shell.run('echo here before');
    await shell.run(top);
    const shown = await shell.shows(/^0 [^]*1 to \d+ of 33; up and down/m);
    expect(shown).toMatch(/^clear-df \S+ +queues 0:31, companion queue 65535 {2}up /);
    await shell.shows(/ packets +0\/s ▁/);
    expect(await shell.modes()).toEqual({ alternate: true, cursor: false });

    await shell.resize(100, 40);
    const large = await shell.shows(/^14 /m);
    expect(large.split('\n')[39]).toMatch(/^ q quit/);
    await shell.resize(40, 10);
    const small = await shell.shows(/^clear-df.*\n packets .*\n cleared /);
    expect(small).not.toContain('QUEUE');
    await shell.resize(80, 24);
    await shell.shows(/^QUEUE +FAST PATH/m);

    await shell.type('Down', 'Down', 'NPage');
    await shell.shows(/^ {2}13 to \d+ of 33/m);
    await shell.type('Up');
    await shell.shows(/^ {2}12 to \d+ of 33/m);

    await shell.type('q');
    await expectRestored(shell, 0);
  });

  it.each([...variants<'C-c' | NodeJS.Signals>('SIGTERM', 'C-c', 'SIGHUP'), 'SIGQUIT' as const])(
    '%s leaves the terminal as it was',
    async (how) => {
      const shell = await open();
      await shell.run('echo here before');
      await shell.run(top);
      await shell.shows(/^QUEUE +FAST PATH/m);
      if (how === 'C-c') await shell.type(how);
      else await signal(how);
      await expectRestored(shell, 0);
    },
  );

  it.each(['C-z', 'SIGTSTP'] as const)('%s suspends it, and fg shows it again', async (how) => {
    const shell = await open();
    const [before, command, ...after] = top.split('; ');
    await shell.run('echo here before');
    await shell.run(`${before}; ${command}`);
    await shell.shows(/^QUEUE +FAST PATH/m);
    if (how === 'C-z') await shell.type(how);
    else await signal(how);
    await shell.shows(/Stopped/);
    expect(await shell.modes()).toEqual({ alternate: false, cursor: true });
    await shell.run('fg');
    await shell.shows(/^QUEUE +FAST PATH/m);
    expect(await shell.modes()).toEqual({ alternate: true, cursor: false });
    await shell.type('q');
    await shell.shows(/prompt\$ $/m);
    await shell.run(after.join('; '));
    await expectRestored(shell, 0);
  });

  it('an error that nobody expected leaves the terminal as it was', async () => {
    const shell = await open();
    const source = (name: string) => path.resolve(`src/cli/${name}.ts`);
    const file = path.join(await lab.scratch(), 'error.mts');
    const program = `const { Screen } = await import('${source('screen')}');
      const { TerminalOutput } = await import('${source('terminal-output')}');
      const screen = new Screen(new TerminalOutput(process.stdout), process.stdin, () => undefined);
      screen.enter(); screen.draw(['FAST PATH']);
      setTimeout(() => { throw new Error('unexpected') }, 100);`;
    await router.feed(program, 'tee', [file]);
    await shell.run('echo here before');
    await shell.run(framed(`${process.execPath} --import tsx ${file} 2>/dev/null`));
    await expectRestored(shell, 1);
  });

  if (MORE)
    it('NO_COLOR keeps colour away, and a terminal without UTF-8 gets graphs in ASCII', async () => {
      const shell = await open({ LC_ALL: 'C', NO_COLOR: '1' });
      await shell.run(top);
      const shown = await shell.shows(/^ packets +0\/s _+/m);
      expect(shown).toMatch(/^[\x20-\x7e\n]*$/);
      expect(await shell.coloured()).not.toContain('\x1b[');
      await shell.type('q');
      await shell.shows(/ended by 0/);
    });

  it('outlives the daemon, and shows the next one', async () => {
    const shell = await open();
    await shell.run(top);
    await shell.shows(/^QUEUE +FAST PATH/m);
    await daemon.stop();
    await shell.shows(/^!nothing answers at http:\/\/127\.0\.0\.1:9857\/stats; waiting for it/m);
    daemon = await startClearDf(router, '0:1');
    await until('it shows the new one', async () => !(await shell.screen()).includes('nothing answers'));
    await shell.shows(/^clear-df \S+ +queues 0:1, companion queue 65535/);
    await shell.type('q');
    await shell.shows(/ended by 0/);
  });
});

it('without a terminal it says what to use, and draws nothing', async () => {
  const { exitCode, stdout, stderr } = await clearDf(router, ['top']);
  expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
  expect(stderr).toMatch(
    /^clear-df: draw the live screen: standard output is not a terminal[^\n]*\nhint: clear-df stats --watch /,
  );
});
