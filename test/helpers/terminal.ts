/** A terminal that a test reads and types on: tmux's, which emulates one completely. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { until } from './until.js';

export class Terminal {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'clear-df-terminal-'));
  readonly #socket = path.join(this.#folder, 'tmux');

  private constructor() {}

  /** A shell, with a prompt that nothing else prints, on a terminal of this size. */
  static async open(width: number, height: number, environment: Record<string, string> = {}): Promise<Terminal> {
    const terminal = new Terminal();
    const shell = "exec env PS1='prompt$ ' bash --norc --noprofile";
    const size = ['-x', String(width), '-y', String(height)];
    const variables = Object.entries(environment).map(([name, value]) => `export ${name}='${value}'; `);
    await terminal.#tmux(['-f', '/dev/null', 'new-session', '-d', ...size, variables.join('') + shell]);
    await terminal.shows(/^prompt\$/m);
    return terminal;
  }

  async #tmux(args: readonly string[]): Promise<string> {
    const { stdout } = await execa('tmux', ['-S', this.#socket, ...args], {
      env: { LC_ALL: 'C.UTF-8' },
      stripFinalNewline: false,
    });
    return stdout;
  }

  /** What it shows, line by line. */
  screen(): Promise<string> {
    return this.#tmux(['capture-pane', '-p', '-N']);
  }

  /** The same with the sequences of its colours. */
  coloured(): Promise<string> {
    return this.#tmux(['capture-pane', '-p', '-e']);
  }

  /** Waits until it shows this. */
  async shows(what: RegExp): Promise<string> {
    let last = '';
    const seen = async () => {
      last = await this.screen();
      return what.test(last) ? last : undefined;
    };
    return until(`the terminal shows ${what}`, seen).catch((error: unknown) => {
      throw new Error(`${String(error)}:\n${last}`, { cause: error });
    });
  }

  /** Types keys by tmux's names: `C-c`, `Enter`, `q`. */
  async type(...keys: string[]): Promise<void> {
    await this.#tmux(['send-keys', ...keys]);
  }

  /** Types a line as it is, and Enter. */
  async run(line: string): Promise<void> {
    await this.#tmux(['send-keys', '-l', line]);
    await this.type('Enter');
  }

  async resize(width: number, height: number): Promise<void> {
    await this.#tmux(['resize-window', '-x', String(width), '-y', String(height)]);
  }

  /** Whether the alternate screen is shown, and the cursor. */
  async modes(): Promise<{ alternate: boolean; cursor: boolean }> {
    const said = await this.#tmux(['display-message', '-p', '#{alternate_on} #{cursor_flag}']);
    const [alternate, cursor] = said.trim().split(' ');
    return { alternate: alternate === '1', cursor: cursor === '1' };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux(['kill-server']).catch(() => '');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
