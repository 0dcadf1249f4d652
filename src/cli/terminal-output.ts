/**
 * Standard output as a terminal that may not be read: ^S, a halted window, a line that hangs. Node writes to terminals
 * waiting, and meanwhile no signal is handled. Here what does not fit is left out, and nobody waits.
 */
import { writeSync } from 'node:fs';
import type { WriteStream } from 'node:tty';
import { openAnew } from '../log/standard-error.js';

/** A terminal takes some kilobytes at once, and who shows them reads again within milliseconds. */
const AGAIN_MS = 10;
/** What restores a terminal is worth waiting for, but not for long. */
const LAST_MS = 1000;

export class TerminalOutput {
  readonly isTTY = true;
  readonly #descriptor: number;
  /** What is on its way: nothing may come between it and what went out before. */
  #rest: Buffer = Buffer.alloc(0);
  #again: NodeJS.Timeout | undefined;
  readonly #gone = new AbortController();

  /** @param descriptor to write to, which never waits; default: the stream's, opened anew */
  constructor(
    private readonly stream: Pick<WriteStream, 'columns' | 'rows'> & { fd: number },
    descriptor?: number,
  ) {
    this.#descriptor = descriptor ?? openAnew(stream.fd) ?? stream.fd;
  }

  /** Aborts when something was written to a terminal that has gone; not every end of a terminal sends SIGHUP. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get columns(): number {
    return this.stream.columns;
  }

  get rows(): number {
    return this.stream.rows;
  }

  /** Writes all of it, the end a moment later where it does not fit; false when nothing of it fits, and none is written. */
  write(text: string): boolean {
    if (!this.#flush()) return false;
    this.#rest = Buffer.from(text);
    this.#flushOften();
    return true;
  }

  /** Writes the last words behind what is on its way, and waits for at most {@link LAST_MS} until they are out. */
  finish(text: string): void {
    this.#rest = Buffer.concat([this.#rest, Buffer.from(text)]);
    const asleep = new Int32Array(new SharedArrayBuffer(4));
    const end = performance.now() + LAST_MS;
    while (!this.#flush() && performance.now() < end) Atomics.wait(asleep, 0, 0, AGAIN_MS);
  }

  #flushOften(): void {
    clearTimeout(this.#again);
    if (!this.#flush()) this.#again = setTimeout(() => this.#flushOften(), AGAIN_MS).unref();
  }

  /** @returns whether all is out */
  #flush(): boolean {
    try {
      while (this.#rest.length > 0) this.#rest = this.#rest.subarray(writeSync(this.#descriptor, this.#rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
      // The terminal has gone, and with it who would read.
      this.#rest = Buffer.alloc(0);
      this.#gone.abort();
    }
    return true;
  }
}
