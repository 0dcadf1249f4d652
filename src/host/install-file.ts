/** Files that others read at any moment: whole or not at all, and from the first byte on closed to whom they are closed. */
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { ClearDfError } from '../errors.js';
import { errnoOf } from './exec.js';

/**
 * What `install -m MODE /dev/stdin FILE` does, in one step.
 * @param mode octal digits
 * @throws ClearDfError PRIVILEGE or RUNTIME, without the text
 */
export function installFile(file: string, mode: string, text: string): void {
  try {
    replaceFile(file, Number.parseInt(mode, 8), text);
  } catch (cause) {
    const missing = `there is no folder ${path.dirname(file)}`;
    throw failure('write file', file, cause, errnoOf(cause) === 'ENOENT' ? missing : 'it cannot be written');
  }
}

/**
 * Makes a folder, and those above it that are missing.
 * @returns those that it made, the uppermost first
 * @throws ClearDfError PRIVILEGE or RUNTIME; what it had made is gone again
 */
export function makeFolder(folder: string): string[] {
  const missing: string[] = [];
  for (let at = path.resolve(folder); !existsSync(at); at = path.dirname(at)) missing.unshift(at);
  const made: string[] = [];
  for (const each of missing) {
    try {
      mkdirSync(each, { mode: 0o755 });
      made.push(each);
    } catch (cause) {
      for (const one of made.reverse()) rmdirSync(one);
      throw failure('make folder', each, cause, 'it cannot be made');
    }
  }
  return made;
}

function failure(operation: string, object: string, cause: unknown, reason: string): ClearDfError {
  const errno = errnoOf(cause);
  const denied = errno === 'EACCES' || errno === 'EPERM';
  const hint = denied ? 'run as root' : undefined;
  return new ClearDfError({ code: denied ? 'PRIVILEGE' : 'RUNTIME', operation, object, reason, errno, hint, cause });
}

/**
 * A new file in the place of the old one, on disk when this returns; what fails leaves the old one.
 * @throws Error of Node's own file calls
 */
export function replaceFile(file: string, mode: number, text: string): void {
  putFile(file, mode, text, renameSync);
}

/**
 * The same where no file of that name is.
 * @throws Error of Node's own file calls: EEXIST where there is one
 */
export function createFile(file: string, mode: number, text: string): void {
  putFile(file, mode, text, (aside, name) => {
    linkSync(aside, name);
    rmSync(aside);
  });
}

function putFile(file: string, mode: number, text: string, put: (aside: string, file: string) => void): void {
  const aside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`);
  try {
    // Never through a link that another user has put there.
    rmSync(aside, { force: true });
    const handle = openSync(aside, 'wx', 0o600);
    try {
      fchmodSync(handle, mode);
      writeFileSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    put(aside, file);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}
