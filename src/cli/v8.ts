/** V8, kept small: what a process that lasts does without. */
import { setFlagsFromString } from 'node:v8';

/**
 * Holds V8's memory down from now on. Packets are native code, which V8 does not touch; what is left to JavaScript is
 * a start, and a few lines or answers a second.
 *
 * These settings are ones that V8 asks for whenever it needs them, so that they may come after its start, unlike the
 * sizes of the heap (`--max-semi-space-size` would be read only from the command line of node, which npm writes).
 */
export function keepSmall(): void {
  // To compile start-up code that never runs again takes megabytes, and the compiler's own pages as many.
  setFlagsFromString('--no-opt');
  // The young generation stays as large as it starts, 1 MiB, where it would grow to 16, and be there twice.
  setFlagsFromString('--semi-space-growth-factor=1');
  // The old one is collected each 2 MiB or so. It would first grow by 16, in a day of answers to a monitor.
  setFlagsFromString('--optimize-for-size');
}
