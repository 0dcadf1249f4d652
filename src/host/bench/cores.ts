/** Which cores this process may use, and which two to measure on. */
import { readFileSync } from 'node:fs';
import { ClearDfError } from '../../errors.js';
import { tryRead } from '../socket-owner.js';

export interface Pair {
  /** Sends, and receives as the router. */
  receiving: number;
  /** Has clear-df. */
  clearing: number;
  /** They are two threads of one core: each is slower while the other works. */
  siblings: boolean;
}

/** The numbers in a list of the kernel's: `0-2,5`. */
export function readCpuList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .filter((part) => /^\d+(-\d+)?$/.test(part))
    .flatMap((part) => {
      const [first, last = first] = part.split('-').map(Number) as [number, number?];
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/** Those that this process may run on. */
function allowedCores(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  return readCpuList(/^Cpus_allowed_list:\s+(\S+)$/m.exec(status)?.[1] ?? '');
}

function siblingsOf(core: number): number[] {
  return readCpuList(
    tryRead(() => readFileSync(`/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`, 'utf8'), ''),
  );
}

/**
 * The last two that are not threads of one core: interrupts tend to go to the first.
 * @throws ClearDfError ENVIRONMENT when there are not two
 */
export function choosePair(cores = allowedCores(), siblings = siblingsOf): Pair {
  const [clearing, ...others] = [...cores].reverse();
  const apart = clearing === undefined ? undefined : others.find((core) => !siblings(clearing).includes(core));
  const receiving = apart ?? others[0];
  if (clearing === undefined || receiving === undefined) {
    throw new ClearDfError({
      code: 'ENVIRONMENT',
      operation: 'bench',
      object: 'this machine',
      reason: `it takes two cores, one that sends and receives and one for clear-df; this process may use ${cores.length}`,
      hint: 'measure on a machine like it with two cores or more; with one core both share it, and clear-df takes what is left',
    });
  }
  return { receiving, clearing, siblings: apart === undefined };
}
