/** What becomes of a process whose reader has gone. */
import { EXIT_CODES } from '../errors.js';

/**
 * A reader that goes away ends a command that prints data, quietly, and must not end a daemon that only logs:
 * EPIPE on stdout ends the process, on stderr it is dropped.
 */
export function toleratePipes(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    process.stderr.write(`clear-df: write standard output: ${error.message}\n`);
    process.exit(EXIT_CODES.RUNTIME);
  });
  process.stderr.on('error', () => undefined);
}
