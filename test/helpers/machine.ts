/** Where a test's commands run: this machine, or a guest of the lab. */
import type { Tool } from './tools.js';

/** What a command left: like execa's result, only what tests read. */
export interface Done {
  stdout: string;
  stderr: string;
  /** Undefined when a signal or the time limit ended it. */
  exitCode: number | undefined;
}

export interface Ended {
  exitCode: number | undefined;
  signal: NodeJS.Signals | undefined;
}

/** Only what hangs takes so long. */
export const COMMAND_MS = 60_000;

export interface RunOptions {
  /** Milliseconds on a quiet machine; then it is killed. Default: {@link COMMAND_MS}. */
  timeout?: number | undefined;
  env?: Record<string, string>;
  /** Written to its standard input; without it there is none. */
  input?: string;
}

/** Hears of a program that runs in the background. */
export interface Listener {
  stdout: (text: string) => void;
  stderr: (text: string) => void;
}

/** A program that runs in the background. */
export interface Process {
  /** Undefined while it is not known yet: in a guest it takes a moment. */
  readonly pid: number | undefined;
  /** Resolves when {@link pid} is known. @throws Error when the program could not be started */
  readonly started: Promise<void>;
  /** Resolves when it has ended; never rejects. */
  readonly end: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

export interface Machine {
  /** For messages: `this machine`, `guest 6.1`. */
  readonly name: string;
  /** Path of Node there. */
  readonly node: string;
  /** Path of clear-df's command line there, for {@link node}. */
  readonly main: string;

  /** Runs a command, an argument list, to its end, good or bad. @throws Error when there is no such program */
  run(argv: readonly string[], options?: RunOptions): Promise<Done>;
  spawn(argv: readonly string[], listener: Listener, env?: Record<string, string>): Process;
  /** The bytes of a file from `offset` on. */
  readFile(file: string, offset?: number): Promise<Buffer>;
  /** Writes a whole file; folders above it are made. */
  writeFile(file: string, data: Buffer | string, mode?: number): Promise<void>;
  /** A new empty folder whose name starts with `prefix`. */
  scratch(prefix: string): Promise<string>;
  /** Removes a folder and all in it. */
  remove(folder: string): Promise<void>;
  /** The network namespaces that `ip netns` made. */
  namespaces(): Promise<string[]>;
  /** Path there of a program of `test/tools`, built on first use. */
  tool(name: Tool): Promise<string>;
}

/** A command that failed, in the words of the command. */
export class CommandError extends Error implements Done {
  override readonly name = 'CommandError';
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;

  constructor(argv: readonly string[], { stdout, stderr, exitCode }: Done) {
    const how = exitCode === undefined ? 'was killed or took too long' : `failed with exit code ${exitCode}`;
    super([`Command ${how}: ${argv.join(' ')}`, stderr, stdout].filter(Boolean).join('\n'));
    this.stdout = stdout;
    this.stderr = stderr;
    this.exitCode = exitCode;
  }
}

/** Runs a command and returns what it printed. @throws CommandError when it fails */
export async function must(machine: Machine, argv: readonly string[], options?: RunOptions): Promise<string> {
  const done = await machine.run(argv, options);
  if (done.exitCode !== 0) throw new CommandError(argv, done);
  return done.stdout;
}
