/** The terminal that a process was started on, and its end. */
import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Which of standard input, output and error are a terminal. */
export function terminals(): number[] {
  return [0, 1, 2].filter((descriptor) => isatty(descriptor));
}

/**
 * Makes the process end well although its terminal has gone: Node sets a terminal's modes back at exit, and aborts
 * when that fails with EIO. A descriptor that is another file by then it leaves alone.
 */
export function outliveTerminals(descriptors: readonly number[]): void {
  process.on('exit', () => {
    for (const descriptor of descriptors) {
      if (isatty(descriptor)) continue;
      closeSync(descriptor);
      // The lowest free number, which is the one just closed.
      openSync('/dev/null', 'r+');
    }
  });
}
