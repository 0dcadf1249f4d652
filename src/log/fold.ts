/**
 * Complaints that repeat themselves: of the same words within ten seconds the first five are written, more are counted, and
 * the count is written when that time is over, or the process ends. As the kernel does it with its own (lib/ratelimit.c).
 */
import type { LogRecord } from './format.js';

const FOLD_MS = 10_000;
const WRITTEN = 5;
/** Different complaints that are remembered at once; more than these are written as they come. */
const REMEMBERED_MAX = 100;

const FOLDED = ['warn', 'error'];

interface Repeated {
  last: LogRecord;
  written: number;
  /** Not written. */
  count: number;
}

export class Fold {
  readonly #seen = new Map<string, Repeated>();

  constructor(
    private readonly write: (record: LogRecord) => void,
    private readonly window = FOLD_MS,
  ) {
    process.once('exit', () => this.flush());
  }

  /** Writes the record, or counts it. */
  take(record: LogRecord): void {
    if (!FOLDED.includes(record.level)) return this.write(record);
    const key = `${record.level} ${record.msg}`;
    const known = this.#seen.get(key);
    if (known !== undefined) {
      known.last = record;
      known.written += 1;
      if (known.written <= WRITTEN) return this.write(record);
      known.count += 1;
      return;
    }
    this.write(record);
    if (this.#seen.size >= REMEMBERED_MAX) return;
    this.#seen.set(key, { last: record, written: 1, count: 0 });
    setTimeout(() => this.#end(key), this.window).unref();
  }

  /** Writes every count. */
  flush(): void {
    for (const key of [...this.#seen.keys()]) this.#end(key);
  }

  #end(key: string): void {
    const found = this.#seen.get(key);
    this.#seen.delete(key);
    if (found !== undefined && found.count > 0) this.write({ ...found.last, repeated: found.count });
  }
}
