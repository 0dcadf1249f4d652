/** Where a tunnel's files are: gone at the next boot, like everything that they tell of. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { ClearDfError } from '../../errors.js';
import { native } from '../../native.js';
import { errnoOf } from '../exec.js';
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

/** The lock of all tunnels of this network namespace; no tunnel's own file has such a name. */
export function changeLockFile(folder = STATE_FOLDER): string {
  return path.join(folder, `tunnels-${namespaceInode()}.lock`);
}

/**
 * Names of the tunnels of this network namespace that have a journal.
 * @throws ClearDfError RUNTIME when the folder is there and cannot be read: what others share is then not known
 */
export function namesIn(folder = STATE_FOLDER): string[] {
  const end = `-${namespaceInode()}.json`;
  const files = filesIn(folder).filter((file) => file.startsWith(START) && file.endsWith(end));
  return files.map((file) => file.slice(START.length, -end.length));
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === 'ENOENT') return [];
    const [reason, hint] = ['which other tunnels there are is not known', 'try again as root'];
    throw new ClearDfError({ code: 'RUNTIME', operation: 'read folder', object: folder, reason, errno, hint, cause });
  }
}

export function namespaceInode(): number {
  return statSync('/proc/self/ns/net').ino;
}

const NO_BOOT_ID = 'unknown';

/** Distinguishes one boot from the next, for machines whose /run outlives it. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return NO_BOOT_ID;
  }
}

/**
 * What a file in /run/clear-df was written in. The inode in its name is not enough: the kernel gives it out again as soon
 * as a namespace is gone.
 */
export const home = { boot: z.string(), namespace: z.string().optional() };
interface Home {
  boot: string;
  /** `cookie-1450`; undefined where it cannot be had, and in files of earlier versions. */
  namespace?: string | undefined;
}

/** Where this process is. */
export function homeHere(): Home {
  const namespace = namespaceId();
  return { boot: bootId(), ...(namespace === undefined ? {} : { namespace }) };
}

/** Whether a file was written in this boot and network namespace; unknown where one of the two cannot be determined. */
export function isHere({ boot, namespace }: Home): 'yes' | 'no' | 'unknown' {
  const now = bootId();
  if (boot !== now && boot !== NO_BOOT_ID && now !== NO_BOOT_ID) return 'no';
  const here = namespaceId();
  if (boot !== now || namespace === undefined || here === undefined) return 'unknown';
  return namespace === here ? 'yes' : 'no';
}

function namespaceId(): string | undefined {
  try {
    return native().namespaceId();
  } catch (error) {
    // Tunnels without a queue do without the addon.
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}
