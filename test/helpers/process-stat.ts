/** Processes, as the kernel's own file about each says: proc_pid_stat(5). */
import { readFileSync } from 'node:fs';

/** State and process group; undefined once it is gone. The command's name is to have no blanks. */
export function statOf(pid: number): { state: string; group: number } | undefined {
  try {
    const [, , state = '', , group] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ');
    return { state, group: Number(group) };
  } catch {
    return undefined;
  }
}

/** Whether it has not ended: one that nobody has waited for has. */
export function alive(pid: number): boolean {
  const { state = 'Z' } = statOf(pid) ?? {};
  return state !== 'Z';
}
