/** Where a tunnel's files are: gone at the next boot, like everything that they tell of. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Lock, takeLock } from '../lock.js';
import { STATE_FOLDER } from '../state.js';

const START = 'tunnel-';

/**
 * `/run/clear-df/tunnel-NAME-INODE.SUFFIX`; the inode names the network namespace (namespaces(7)), so that each has
 * tunnels of its own.
 */
export function tunnelFile(name: string, suffix: 'json' | 'lock', folder = STATE_FOLDER): string {
  return path.join(folder, `${START}${name}-${namespaceInode()}.${suffix}`);
}

/**
 * Keeps other changes of a tunnel out.
 * @throws ClearDfError as `takeLock`
 */
export function takeTunnelLock(name: string): Lock {
  return takeLock({ what: `tunnel ${name}`, file: tunnelFile(name, 'lock') });
}

/** Names of the tunnels of this network namespace that have a journal. Never throws. */
export function namesIn(folder: string): string[] {
  const end = `-${namespaceInode()}.json`;
  try {
    const files = readdirSync(folder).filter((file) => file.startsWith(START) && file.endsWith(end));
    return files.map((file) => file.slice(START.length, -end.length));
  } catch {
    return [];
  }
}

export function namespaceInode(): number {
  return statSync('/proc/self/ns/net').ino;
}

/** Tells one boot from the next, for machines whose /run outlives it. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
