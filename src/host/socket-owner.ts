/** Which process has a socket open, according to `/proc`. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';

export interface SocketOwner {
  pid: number;
  name: string;
}

/**
 * The process that has the socket of this inode open; the lowest pid when it was inherited. Undefined when it belongs
 * to another user or PID namespace, or has already gone. Never throws.
 * @param proc where procfs is mounted
 */
export function socketOwner(inode: string, proc = '/proc'): SocketOwner | undefined {
  const link = `socket:[${inode}]`;
  const pids = tryRead(() => readdirSync(proc), [])
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
  for (const pid of pids.sort((a, b) => a - b)) {
    const folder = path.join(proc, String(pid), 'fd');
    const holds = tryRead(() => readdirSync(folder), []).some(
      (fd) => tryRead(() => readlinkSync(path.join(folder, fd)), '') === link,
    );
    if (holds) return { pid, name: tryRead(() => readFileSync(path.join(proc, `${pid}/comm`), 'utf8').trim(), '?') };
  }
  return undefined;
}

/** Processes come and go, and others' files are not ours to read: such a miss is an ordinary answer here. */
export function tryRead<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
