/** What a load has cost a contender, its life included. */
import { elapsed, type Readings, threadSeconds } from '../lab/processor.js';
import type { Cell } from '../record/results.js';
import type { Ring } from './ring.js';

/** A cell but for its name, and for what only a latency load knows. */
export type Outcome = Omit<Cell, 'load' | 'contender' | 'round' | 'latency'>;

/** When, in seconds from now on, the contender ended. */
interface Life {
  endedAfter?: number;
}

/** Watches from now on whether the contender ends by itself. */
export function watchLife({ running }: Ring): Life {
  const life: Life = {};
  const begun = performance.now();
  void running?.end.then(() => (life.endedAfter = (performance.now() - begun) / 1000));
  return life;
}

/** Processor time and memory. */
export function spent(ring: Ring, readings: Readings, life: Life): Pick<Outcome, 'cpu' | 'memory' | 'ended'> {
  const { running, cores } = ring;
  const cpu: Cell['cpu'] = elapsed(readings, cores.contender);
  if (running === undefined) return { cpu };
  if (running.ended !== undefined) {
    // Its threads are gone, and their clocks with them; what it said itself remains.
    const testament = ring.testament();
    if (testament !== undefined) cpu.contender = testament.cpuSeconds;
    return { cpu, ended: { reason: testament?.error ?? 'unknown', after: life.endedAfter ?? 0 } };
  }
  cpu.contender = threadSeconds(readings);
  const memory = ring.memory();
  return { cpu, ...(memory === undefined ? {} : { memory }) };
}
