/** Programs of the fast path: they stand before the first hook and behind the last, so no chain shows them. */
import type { Growth } from './growth.js';
import { firstDevice, lastDevice, type PathGroup, pathText } from './path-groups.js';

/** A program where it is attached. */
export interface TracedProgram {
  device: string;
  direction: 'ingress' | 'egress';
  /** Of the instance or tunnel that attached it. */
  name: string;
}

const PREFIX = 'fast path, ';

/** What one of its counters is called among those of the kernel: `fast path, egress of gretap1: cleared`. */
export function fastCounterOf({ device, direction }: Omit<TracedProgram, 'name'>, counter: string): string {
  return `${PREFIX}${direction} of ${device}: ${counter}`;
}

/** A sentence for each path that passes a program, with what the program has counted of all traffic meanwhile. */
export function passesPrograms(
  paths: readonly PathGroup[],
  programs: readonly TracedProgram[],
  grown: readonly Growth[],
): string[] {
  return programs.flatMap((program) => {
    const own = fastCounterOf(program, '');
    const counts = grown.filter(({ counter }) => counter.startsWith(own));
    const said = counts.map(({ counter, by }) => `${counter.slice(own.length)} +${by}`).join(', ');
    const deviceOf = program.direction === 'ingress' ? firstDevice : lastDevice;
    return paths
      .filter((path) => deviceOf(path) === program.device)
      .map((path) => {
        const at = `${pathText(path)}: at ${program.direction} of ${program.device}, by the fast path of ${program.name}`;
        return `${at}: ${said === '' ? 'its counters did not grow' : `${said} (of all traffic)`}`;
      });
  });
}
