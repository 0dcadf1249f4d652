/** A program that runs in the background of a test, with all that it printed. */
import type { Ended, Machine, Process } from './machine.js';
import { until } from './until.js';

export type { Ended } from './machine.js';

export class Running {
  readonly command: string;
  /** Everything that it wrote so far. */
  stdout = '';
  stderr = '';
  /** Set when it has ended. */
  ended: Ended | undefined;
  /** Resolves when it has ended; never rejects. */
  readonly end: Promise<Ended>;
  readonly #process: Process;

  constructor(machine: Machine, argv: readonly string[], environment: Record<string, string> = {}) {
    this.command = argv.join(' ');
    const listener = {
      stdout: (text: string) => void (this.stdout += text),
      stderr: (text: string) => void (this.stderr += text),
    };
    this.#process = machine.spawn(argv, listener, environment);
    this.end = this.#process.end.then((ended) => (this.ended = ended));
  }

  /** Resolves when {@link pid} may be read; needed only where the machine may be a guest. */
  get started(): Promise<void> {
    return this.#process.started;
  }

  /** `ip netns exec` and `taskset` replace themselves, so this is the program's own process id. */
  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(`${this.command} did not start`);
    return this.#process.pid;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    if (this.ended === undefined) this.#process.kill(signal);
  }

  /** Sends `signal` and waits for the end; after `timeout` (see `until`) it is killed and the wait fails. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeout?: number): Promise<Ended> {
    this.kill(signal);
    return this.wait(timeout);
  }

  async wait(timeout?: number): Promise<Ended> {
    try {
      return await until(`${this.command} has ended`, () => this.ended, timeout);
    } catch (error) {
      this.kill('SIGKILL');
      throw new Error(`${String(error)}\nstdout: ${this.stdout}\nstderr: ${this.stderr}`, { cause: error });
    }
  }

  /** Waits until what it wrote matches; fails at once, with its words, when it ends before. */
  async says(pattern: RegExp, timeout?: number): Promise<RegExpExecArray> {
    return until(
      `${this.command} says ${pattern}`,
      () => {
        const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
        if (match) return match;
        if (this.ended) {
          const { exitCode, signal } = this.ended;
          throw new Error(
            `${this.command} ended (${exitCode ?? signal}) before saying ${pattern}\n${this.stdout}${this.stderr}`,
          );
        }
        return undefined;
      },
      timeout,
    );
  }
}
