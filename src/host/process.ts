/** Processes known by more than their number, which the kernel gives out again. */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** `starttime` of proc(5): clock ticks since boot; undefined where `/proc` cannot tell. */
  started?: number | undefined;
}

/** This process. */
export function thisProcess(): ProcessIdentity {
  return identityOf(process.pid);
}

/** The process that has this number now. */
export function identityOf(pid: number): ProcessIdentity {
  return { pid, started: startOf(pid) };
}

/** Whether any process has this number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the very process still runs; a zombie does not. */
export function stillRuns({ pid, started }: ProcessIdentity): boolean {
  if (!isAlive(pid)) return false;
  const text = statOf(pid);
  if (text === undefined || started === undefined) return true;
  return fieldsOf(text)[0] !== 'Z' && Number(fieldsOf(text)[19]) === started;
}

function startOf(pid: number): number | undefined {
  const text = statOf(pid);
  return text === undefined ? undefined : Number(fieldsOf(text)[19]);
}

function statOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
}

/** From field 3, the state, on; the name before it may hold blanks and brackets. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** The systemd service that a process is in, by its control group: `clear-df-site-a.service`; undefined where it is in none. */
export function serviceOf(pid: number): string | undefined {
  try {
    const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
    const last = path
      .split('/')
      .reverse()
      .find((name) => name.endsWith('.service'));
    return path.includes('/user.slice/') ? undefined : last;
  } catch {
    return undefined;
  }
}
