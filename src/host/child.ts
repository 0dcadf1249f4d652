/**
 * A command from its start to its end. It leads a process group of its own: a Ctrl-C is for clear-df and ends no firewall
 * tool in mid-transaction, and who gives up on it ends whatever it has started as well.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** What came of a command. */
export interface Ended {
  stdout: string;
  stderr: string;
  exitCode?: number;
  /** The signal that ended it, whoever sent it. */
  signal?: string;
  /** Why it could not be started: the errno by name. */
  failed?: string;
  /** Why it was ended, as {@link RunOptions.giveUp} said. */
  givenUp?: string;
}

interface RunOptions {
  env: Record<string, string>;
  input?: string | undefined;
  /** Calls back with the reason when the command is to be ended. @returns how to forget about it */
  giveUp: (end: (reason: string) => void) => () => void;
}

/** Bytes that a command may print: no listing of a real machine is as long. */
const OUTPUT_MAX = 256 * 1024 * 1024;
/** How long a process group has to end on SIGTERM, and its last output to arrive. */
const GRACE_MS = 1000;

/** What a terminal sends to every process of the group in front of it. */
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'];

/** Runs a command to its end. Never throws: a command that cannot be started has {@link Ended.failed}. */
export async function runChild(command: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  const ended = await runOnce(command, args, options);
  // From fork(2) to setsid(2) it is in this process's group: a Ctrl-C at that moment ends it before it is the command.
  const unborn =
    ended.signal !== undefined && FROM_TERMINAL.includes(ended.signal) && ended.stdout + ended.stderr === '';
  return unborn && ended.givenUp === undefined ? runOnce(command, args, options) : ended;
}

async function runOnce(command: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  let child: ChildProcess;
  try {
    const stdin = options.input === undefined ? 'ignore' : 'pipe';
    child = spawn(command, args, {
      stdio: [stdin, 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      detached: true,
    });
  } catch (error) {
    return { stdout: '', stderr: '', failed: errorName(error) };
  }
  return new Promise((resolve) => follow(child, options, resolve));
}

function follow(child: ChildProcess, { input, giveUp }: RunOptions, resolve: (ended: Ended) => void): void {
  const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let [bytes, givenUp]: [number, string | undefined] = [0, undefined];
  const timers: NodeJS.Timeout[] = [];
  const settle = (end: Omit<Ended, 'stdout' | 'stderr'>) => {
    forget();
    timers.forEach(clearTimeout);
    const [stdout, stderr] = [said.stdout, said.stderr].map((chunks) => Buffer.concat(chunks).toString('utf8'));
    resolve({ stdout: stdout ?? '', stderr: stderr ?? '', ...end, ...(givenUp === undefined ? {} : { givenUp }) });
  };
  const end = (reason: string) => {
    if (givenUp !== undefined) return;
    givenUp = reason;
    signalGroup(child, 'SIGTERM');
    timers.push(
      setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE_MS),
      // Something that has left the group still holds the pipes, or the kernel does not let go of it.
      setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        child.unref();
        settle({});
      }, 2 * GRACE_MS),
    );
  };
  const forget = giveUp(end);
  child.once('error', (error) => settle({ failed: errorName(error) }));
  child.once('close', (exitCode, signal) =>
    settle({ ...(exitCode === null ? {} : { exitCode }), ...(signal === null ? {} : { signal }) }),
  );
  for (const name of ['stdout', 'stderr'] as const) {
    // Without a descriptor free there are no pipes either, whatever the types say.
    child[name]?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > OUTPUT_MAX) return end('it prints without an end');
      said[name].push(chunk);
    });
  }
  // It may end before it has read all.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
}

/** Everything that it has started, too, unless that has made a group of its own. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of it has ended.
  }
}

function errorName(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
