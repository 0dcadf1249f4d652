/** The whole terminal as a screen: taken, drawn to, and given back as it was. */
import type { ReadStream } from 'node:tty';
import type { TerminalOutput } from './terminal-output.js';

const ALTERNATE = '\x1b[?1049h';
const ORDINARY = '\x1b[?1049l';
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';
const CLEAR = '\x1b[2J';
/** A terminal that knows these shows what is between them at once; others ignore them. */
const BEGIN_UPDATE = '\x1b[?2026h';
const END_UPDATE = '\x1b[?2026l';

type Output = Pick<TerminalOutput, 'write' | 'finish' | 'columns' | 'rows'>;
type Input = Pick<ReadStream, 'isTTY' | 'setRawMode' | 'on' | 'off' | 'resume' | 'pause' | 'setEncoding'>;

export class Screen {
  #taken = false;
  /** What the terminal has not been told yet of its being taken. */
  #opening = '';
  /** What the terminal shows, line by line; empty when that is not known. */
  #shown: readonly string[] = [];
  readonly #onData = (keys: string) => this.onKeys(keys);
  readonly #onExit = () => this.leave();

  /** @param onKeys what was typed, as the terminal sends it */
  constructor(
    private readonly out: Output,
    private readonly input: Input,
    private readonly onKeys: (keys: string) => void,
  ) {}

  /** In characters; 80 × 24 from a terminal that does not tell. */
  get size(): { width: number; height: number } {
    return { width: this.out.columns || 80, height: this.out.rows || 24 };
  }

  /** Takes the terminal. It is given back at the end of the process at the latest, however that comes. */
  enter(): void {
    if (this.#taken) return;
    this.#taken = true;
    process.on('exit', this.#onExit);
    if (this.input.isTTY) {
      this.input.setRawMode(true);
      this.input.setEncoding('utf8');
      this.input.on('data', this.#onData);
      this.input.resume();
    }
    this.#opening = ALTERNATE + HIDE_CURSOR + NO_WRAP;
    this.forget();
  }

  /** Gives it back; safe to call twice. */
  leave(): void {
    if (!this.#taken) return;
    this.#taken = false;
    process.off('exit', this.#onExit);
    this.out.finish(WRAP + SHOW_CURSOR + ORDINARY);
    if (!this.input.isTTY) return;
    this.input.off('data', this.#onData);
    try {
      this.input.setRawMode(false);
    } catch {
      // It has gone, with its modes.
    }
    this.input.pause();
  }

  /** Draw all of it next time: the terminal has another size, or was another program's meanwhile. */
  forget(): void {
    this.#shown = [];
  }

  /** Writes the lines that differ from what the terminal shows, and nothing where none does, or where it is not read. */
  draw(lines: readonly string[]): void {
    const changed = lines.flatMap((text, i) => (text === this.#shown[i] ? [] : [`\x1b[${i + 1};1H${text}`]));
    const clear = this.#shown.length === 0 ? CLEAR : '';
    if (changed.length > 0) {
      if (!this.out.write(this.#opening + BEGIN_UPDATE + clear + changed.join('') + END_UPDATE)) return;
      this.#opening = '';
    }
    this.#shown = lines;
  }
}
