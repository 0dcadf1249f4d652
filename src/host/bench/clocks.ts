/** Processor time, as the kernel accounts it. */
import { readdirSync, readFileSync } from 'node:fs';
import { ClearDfError } from '../../errors.js';

export interface ThreadClocks {
  /** Nanoseconds on a processor, softirqs on its account within. */
  nanoseconds: number;
  /** How often a thread has gone to sleep. */
  sleeps: number;
}

/** All threads of a process together. @throws ClearDfError ENVIRONMENT where the kernel keeps no such clock */
export function readThreads(pid: number): ThreadClocks {
  const sum: ThreadClocks = { nanoseconds: 0, sleeps: 0 };
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    try {
      sum.nanoseconds += Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ', 1)[0]);
      sum.sleeps += sleepsIn(readFileSync(`${folder}/status`, 'utf8'));
    } catch (error) {
      if (readdirSync(`/proc/${pid}/task`).includes(thread)) throw noClock(error);
    }
  }
  return sum;
}

/** `voluntary_ctxt_switches` of a `/proc/PID/status` text. */
export function sleepsIn(status: string): number {
  return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
}

function noClock(cause: unknown): ClearDfError {
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'read',
    object: '/proc/PID/task/*/schedstat',
    reason: 'this kernel does not report the run time of a thread',
    errno: (cause as NodeJS.ErrnoException).code,
    hint: 'run a kernel with CONFIG_SCHED_INFO, as those of Debian are',
    cause,
  });
}

/** Ticks of each core since it was started: those that it worked, and all. */
export function readCores(): Map<number, { busy: number; all: number }> {
  return coresIn(readFileSync('/proc/stat', 'utf8'));
}

/** Of a `/proc/stat` text. */
export function coresIn(stat: string): Map<number, { busy: number; all: number }> {
  const found = new Map<number, { busy: number; all: number }>();
  for (const [, core, columns] of stat.matchAll(/^cpu(\d+) (.*)$/gm)) {
    // user, nice, system, idle, iowait, irq, softirq, steal
    const ticks = (columns as string).split(' ').slice(0, 8).map(Number);
    const all = ticks.reduce((sum, tick) => sum + tick, 0);
    found.set(Number(core), { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all });
  }
  return found;
}
