/** V8's optimizing compiler, and what it takes. */
import { setFlagsFromString } from 'node:v8';

/**
 * Leaves JavaScript to V8's interpreter and its baseline compiler from now on. To compile start-up code that never
 * runs again takes megabytes, and they are the peak of the process; packets are native code, which V8 does not touch.
 */
export function withoutOptimizer(): void {
  // Asked for at each function that has become hot, so that it may come after the start of V8, unlike sizes of the heap.
  setFlagsFromString('--no-opt');
}
