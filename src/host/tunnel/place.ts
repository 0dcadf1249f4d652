/** Where a tunnel's files are: gone at the next boot, like everything that they tell of. */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const FOLDER = '/run/clear-df';

/**
 * `/run/clear-df/tunnel-NAME-INODE.SUFFIX`; the inode names the network namespace (namespaces(7)), so that each has
 * tunnels of its own.
 */
export function tunnelFile(name: string, suffix: 'json' | 'lock', folder = FOLDER): string {
  return path.join(folder, `tunnel-${name}-${namespaceInode()}.${suffix}`);
}

/** Makes the folder that the file is in. */
export function makeFolderOf(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
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
