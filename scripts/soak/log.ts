/** The log of a run, line by line: each warning and each error has to be one that was expected just then. */
import type { Running } from '../../test/helpers/running.js';
import { until } from '../../test/helpers/until.js';

interface Line {
  level: string;
  msg: string;
  /** As it was written. */
  text: string;
  /** Of a worker's fault. */
  kind?: string;
  count?: number;
}

/** What a flood may bring about at any time. Their counts are checked against the counters at the end. */
const UNDER_LOAD = [/left with DF still set: a stall or a burst filled the receive buffer/, /dropped .*: overload,/];

export class RunLog {
  /** Characters that {@link judge} has seen. */
  #judged = 0;

  constructor(private readonly running: Running) {}

  /** Where the log ends now, for {@link says}. */
  get mark(): number {
    return this.running.stderr.length;
  }

  /** Waits for a line behind `mark`. */
  async says(pattern: RegExp, mark: number, timeout?: number): Promise<void> {
    const said = () => pattern.test(this.running.stderr.slice(mark));
    await until(`clear-df says ${pattern}`, () => said() || this.running.ended !== undefined, timeout);
    if (!said()) throw new Error(`clear-df ended before it said ${pattern}:\n${this.running.stderr.slice(mark)}`);
  }

  /** Lines since the last call that nobody has expected; and as last word what it printed to standard output. */
  judge(expected: readonly RegExp[]): string[] {
    const text = this.running.stderr;
    const end = text.lastIndexOf('\n') + 1;
    const lines = parse(text.slice(this.#judged, end));
    this.#judged = end;
    return lines.filter((line) => !isExpected(line, expected)).map(({ text }) => text);
  }

  /** Packets that the lines about one kind of fault have told of. */
  told(kind: string): number {
    return parse(this.running.stderr).reduce((sum, line) => (line.kind === kind ? sum + (line.count ?? 0) : sum), 0);
  }
}

function isExpected({ level, msg }: Line, expected: readonly RegExp[]): boolean {
  if (level === 'info' || level === 'debug') return true;
  return [...UNDER_LOAD, ...expected].some((pattern) => pattern.test(msg));
}

function parse(text: string): Line[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      try {
        return { ...(JSON.parse(line) as Omit<Line, 'text'>), text: line };
      } catch {
        return { level: 'none', msg: line, text: line };
      }
    });
}
