/**
 * Files that one run of clear-df leaves for the next. They are believed, and the commands in some of them are run: so
 * only root, or this user, may have had a hand in them, and in the folder that they are in.
 */
import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readFileSync, type Stats } from 'node:fs';
import path from 'node:path';
import { ClearDfError } from '../errors.js';
import { errnoOf } from './exec.js';
import { replaceFile } from './install-file.js';

/** Gone at the next boot, like everything that its files tell of. */
export const STATE_FOLDER = '/run/clear-df';

const WRITABLE_BY_OTHERS = 0o022;

/**
 * The text of a file of ours; undefined when there is none.
 * @throws ClearDfError PRIVILEGE when this user may not read it; RUNTIME when it, or its folder, is not ours alone, or
 *   cannot be read for another reason
 */
export function readState(file: string): string | undefined {
  try {
    refuseForeignFolder(path.dirname(file));
    const handle = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      refuseForeignFile(file, fstatSync(handle));
      return readFileSync(handle, 'utf8');
    } finally {
      closeSync(handle);
    }
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT') return undefined;
    throw stateError('read', file, cause);
  }
}

/**
 * Puts a file of ours in the place of the one before, whole or not at all, and on disk when this returns.
 * @throws ClearDfError as {@link readState}
 */
export function writeState(file: string, text: string): void {
  try {
    makeStateFolder(path.dirname(file));
    replaceFile(file, 0o600, text);
  } catch (cause) {
    throw stateError('write', file, cause);
  }
}

/**
 * Opens a file of ours for a lock, and makes it where it is missing.
 * @returns its descriptor
 * @throws ClearDfError as {@link readState}
 */
export function openStateFile(file: string): number {
  try {
    makeStateFolder(path.dirname(file));
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const handle = openSync(file, flags, 0o600);
    try {
      refuseForeignFile(file, fstatSync(handle));
    } catch (error) {
      closeSync(handle);
      throw error;
    }
    return handle;
  } catch (cause) {
    throw stateError('write', file, cause);
  }
}

function makeStateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  refuseForeignFolder(folder);
}

/** A folder that others can write in lets them put any file in the place of ours. */
function refuseForeignFolder(folder: string): void {
  const stat = lstatSync(folder);
  if (!stat.isDirectory() || !isOurs(stat)) throw foreign(folder);
}

function refuseForeignFile(file: string, stat: Stats): void {
  if (!stat.isFile() || stat.nlink > 1 || !isOurs(stat)) throw foreign(file);
}

function isOurs({ uid, mode }: Stats): boolean {
  return (uid === 0 || uid === process.geteuid?.()) && (mode & WRITABLE_BY_OTHERS) === 0;
}

function foreign(file: string): ClearDfError {
  return new ClearDfError({
    code: 'RUNTIME',
    operation: 'trust',
    object: file,
    reason: 'someone else than root can have written it',
    hint: `see who owns it (ls -ld ${file}), and remove it when no clear-df runs that needs it`,
  });
}

function stateError(verb: 'read' | 'write', file: string, cause: unknown): ClearDfError {
  if (cause instanceof ClearDfError) return cause;
  const errno = errnoOf(cause);
  const denied = errno === 'EACCES' || errno === 'EPERM';
  const reasons: Record<string, string> = { ELOOP: 'it is a symbolic link', EROFS: 'the file system is read-only' };
  return new ClearDfError({
    code: denied ? 'PRIVILEGE' : 'RUNTIME',
    operation: verb,
    object: file,
    reason: denied ? `this user may not ${verb} it` : (reasons[errno ?? ''] ?? (cause as Error).message),
    errno,
    hint: denied ? 'run as root' : verb === 'write' ? 'make room, or mount a writable /run' : undefined,
    cause,
  });
}
