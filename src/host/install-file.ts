/** Files that others read at any moment: whole or not at all, and from the first byte on closed to whom they are closed. */
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
    const errno = errnoOf(cause);
    const denied = errno === 'EACCES' || errno === 'EPERM';
    throw new ClearDfError({
      code: denied ? 'PRIVILEGE' : 'RUNTIME',
      operation: 'write file',
      object: file,
      reason: errno === 'ENOENT' ? `there is no folder ${path.dirname(file)}` : 'it cannot be written',
      errno,
      hint: denied ? 'run as root' : undefined,
      cause,
    });
  }
}

/**
 * A new file in the place of the old one, on disk when this returns; what fails leaves the old one.
 * @throws Error of Node's own file calls
 */
export function replaceFile(file: string, mode: number, text: string): void {
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
    renameSync(aside, file);
  } catch (error) {
    rmSync(aside, { force: true });
    throw error;
  }
}
