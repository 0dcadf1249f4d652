/** Standard output: what becomes of a process whose reader has gone, and the few words that need no stream. */
import { fstatSync, writeSync } from 'node:fs';
import { EXIT_CODES, systemReason } from '../errors.js';

/**
 * A reader that goes away ends a command that prints data, quietly, and must not end a daemon that only logs:
 * EPIPE on stdout ends the process, on stderr it is dropped.
 */
export function toleratePipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`clear-df: write standard output: ${systemReason(error)} (${error.code})\n`);
    process.exit(EXIT_CODES.RUNTIME);
  });
  process.stderr.on('error', () => undefined);
}

/** The device number of /dev/null, character device 1:3. */
const NULL_DEVICE = 0x103;

/** Columns of the terminal that standard output is; undefined where it is none. */
export function outputColumns(): number | undefined {
  // Node's streams take a tenth of a start, so only what may be a terminal is asked by them.
  const { rdev } = fstatSync(1);
  return rdev === 0 || rdev === NULL_DEVICE || !process.stdout.isTTY ? undefined : process.stdout.columns;
}

/** Prints a page at most, without Node's streams; they wait for a reader who is slow. A reader who has gone is not missed. */
export function printPage(text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    written = writeSync(1, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
  }
  if (written === bytes.length) return;
  toleratePipes();
  process.stdout.write(bytes.subarray(written));
}
