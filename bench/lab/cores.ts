/** Which core does what. Pure but for {@link pin}. */
import { cpus } from 'node:os';
import { execa } from 'execa';
import type { Cores } from '../record/results.js';

/**
 * The sender has core 0, the contender one of its own, or as many as it has queues and the machine has left. The
 * receiving end of TCP has the last core when that leaves one to the contender, else it shares the sender's.
 * @throws RangeError on a machine with a single core
 */
export function planCores(queues = 1, cores = cpus().length): Cores {
  if (cores < 2) throw new RangeError('the bench needs two cores: one for the sender, one for the contender');
  const receiver = cores > 2 ? cores - 1 : 0;
  const free = cores > 2 ? cores - 2 : 1;
  const contender = Array.from({ length: Math.min(queues, free) }, (_, i) => 1 + i);
  return { sender: 0, contender, receiver };
}

/** `taskset` words before a command. */
export function pinned(cores: readonly number[], command: readonly string[]): [string, ...string[]] {
  return ['taskset', '-c', cores.join(','), ...command];
}

/** Keeps this process, and what it starts without another word, off the contender's cores. */
export async function pin(core: number): Promise<void> {
  await execa('taskset', ['-a', '-c', '-p', String(core), String(process.pid)]);
}
