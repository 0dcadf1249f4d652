/**
 * A program from its start to its end, in a process group of its own: a Ctrl-C is for clear-df and reaches none of them,
 * and who gives up on one ends whatever it has started as well.
 */
import { type ChildProcess, spawn } from 'node:child_process';

/** How a program ended; nothing of it where it was not to be ended. */
export interface Ending {
  exitCode?: number;
  /** The signal that ended it, whoever sent it. */
  signal?: string;
  /** Why it could not be started: the errno by name. */
  failed?: string;
}

interface ProgramOptions {
  env: Record<string, string>;
  /** For its standard input, which is empty without. */
  input?: string | undefined;
  stdout: (chunk: Buffer) => void;
  stderr: (chunk: Buffer) => void;
}

interface Program {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Resolves when it has ended and all its output was handed over, or {@link end} gave up on that. Never rejects. */
  readonly ended: Promise<Ending>;
  /**
   * Ends it and what it has started: by SIGTERM, by SIGKILL after `grace`, and after twice as long nobody waits for it any
   * more. Safe to call again.
   * @param grace milliseconds; default: {@link GRACE_MS}
   */
  end(grace?: number): void;
}

/** How long a process group has to end on SIGTERM, and its last output to arrive. */
const GRACE_MS = 1000;

/** Starts a program. Never throws: one that cannot be started has {@link Ending.failed}. */
export function startProgram(command: string, args: readonly string[], options: ProgramOptions): Program {
  const { env, input } = options;
  let child: ChildProcess;
  try {
    child = spawn(command, args, {
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      detached: true,
    });
  } catch (error) {
    return { pid: undefined, ended: Promise.resolve({ failed: errorName(error) }), end: () => undefined };
  }
  return follow(child, options);
}

function follow(child: ChildProcess, { input, stdout, stderr }: ProgramOptions): Program {
  const timers: NodeJS.Timeout[] = [];
  let settled = false;
  let resolve!: (ending: Ending) => void;
  const ended = new Promise<Ending>((done) => (resolve = done));
  const settle = (ending: Ending) => {
    settled = true;
    timers.forEach(clearTimeout);
    resolve(ending);
  };
  child.once('error', (error) => settle({ failed: errorName(error) }));
  child.once('close', (exitCode, signal) =>
    settle({ ...(exitCode === null ? {} : { exitCode }), ...(signal === null ? {} : { signal }) }),
  );
  // Without a descriptor free there are no pipes either, whatever the types say.
  child.stdout?.on('data', stdout);
  child.stderr?.on('data', stderr);
  // It may end before it has read all.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  return {
    pid: child.pid,
    ended,
    end(grace = GRACE_MS) {
      if (settled || timers.length > 0) return;
      signalGroup(child.pid, 'SIGTERM');
      timers.push(
        setTimeout(() => signalGroup(child.pid, 'SIGKILL'), grace),
        // Something that has left the group still holds the pipes, or the kernel does not let go of it.
        setTimeout(() => {
          child.stdout?.destroy();
          child.stderr?.destroy();
          child.unref();
          settle({});
        }, 2 * grace),
      );
    },
  };
}

/** Everything that the leader of a group has started, too, unless that has made a group of its own. Never throws. */
export function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
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
