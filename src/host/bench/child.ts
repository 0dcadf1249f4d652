/** A program of our own, inside a namespace and on one core, that ends when this process does. */
import { setTimeout as pause } from 'node:timers/promises';
import { ClearDfError, type ErrorCode, EXIT_CODES } from '../../errors.js';
import { toolEnvironment } from '../exec.js';
import { signalGroup, startProgram } from '../program.js';

export interface Child {
  /** `ip netns exec` and `taskset` replace themselves: this is the program's own. */
  readonly pid: number;
  /** Resolves when it has printed what matches. @throws ClearDfError when it ends before that */
  says(pattern: RegExp): Promise<void>;
  /** The first line that it prints. @throws ClearDfError when it ends without one */
  line(): Promise<string>;
  /** Waits for its end. @throws ClearDfError when it failed */
  end(): Promise<void>;
  /** Asks it to end, and waits until it has. */
  stop(): Promise<void>;
}

interface ChildOptions {
  namespace: string;
  core: number;
  /** Of clear-df, for a message: `clear-df run`. */
  name: string;
  /** Ends it when aborted. */
  signal: AbortSignal;
}

/** What `startChild` runs. */
export function childCommand({ namespace, core }: Pick<ChildOptions, 'namespace' | 'core'>, args: readonly string[]) {
  return ['netns', 'exec', namespace, 'taskset', '-c', String(core), process.execPath, ...args];
}

const READY_MS = 20_000;
const STOP_MS = 5000;
const POLL_MS = 10;

/** Starts `node ARGS` there. */
export function startChild(options: ChildOptions, args: readonly string[]): Child {
  const { name, signal } = options;
  let [said, printed, ended] = ['', '', false];
  let firstOf!: (line: string) => void;
  const firstLine = new Promise<string>((resolve) => (firstOf = resolve));
  const program = startProgram('ip', childCommand(options, args), {
    env: toolEnvironment(),
    stderr: (chunk) => (said += chunk.toString().slice(0, 4000)),
    stdout(chunk) {
      printed += chunk.toString();
      if (printed.includes('\n')) firstOf(printed.slice(0, printed.indexOf('\n')));
    },
  });
  const stop = (): void => program.end(STOP_MS);
  const kill = (): void => signalGroup(program.pid, 'SIGKILL');
  process.once('exit', kill);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const end = program.ended.then((ending) => {
    ended = true;
    process.off('exit', kill);
    signal.removeEventListener('abort', stop);
    return ending;
  });
  const failure = (exitCode: number | undefined): ClearDfError => childError(name, said, exitCode);
  return {
    pid: program.pid ?? 0,
    async says(pattern) {
      for (const limit = Date.now() + READY_MS; Date.now() < limit; await pause(POLL_MS)) {
        if (pattern.test(said)) return;
        if (ended) throw failure((await end).exitCode);
      }
      const reason = `it was not ready within ${READY_MS / 1000} s`;
      throw new ClearDfError({ code: 'RUNTIME', operation: 'start', object: name, reason, hint: 'try again' });
    },
    line: () =>
      Promise.race([
        firstLine,
        end.then(({ exitCode }) => {
          if (printed.includes('\n')) return firstLine;
          throw failure(exitCode);
        }),
      ]),
    async end() {
      const { exitCode } = await end;
      if (exitCode !== 0) throw failure(exitCode);
    },
    async stop() {
      stop();
      await end;
    },
  };
}

/** The child's own words, which are those of clear-df: a line of what failed, one of what to do. */
export function childError(name: string, said: string, exitCode: number | undefined): ClearDfError {
  const codes = Object.entries(EXIT_CODES) as [ErrorCode, number][];
  const code = codes.find(([, number]) => number === exitCode)?.[0] ?? 'RUNTIME';
  const reason = /^clear-df: (.*)$/m.exec(said)?.[1] ?? (said.trim().split('\n').at(-1) || 'it exited without output');
  const hint = /^hint: (.*)$/m.exec(said)?.[1];
  return new ClearDfError({ code, operation: 'run', object: name, reason, hint });
}
