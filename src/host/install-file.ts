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
  install(replaceFile, file, mode, text);
}

/**
 * The same where no file of that name is.
 * @throws ClearDfError as {@link installFile}, and CONFLICT where there is one
 */
export function installNewFile(file: string, mode: string, text: string): void {
  install(createFile, file, mode, text);
}

function install(put: typeof replaceFile, file: string, mode: string, text: string): void {
  try {
    put(file, Number.parseInt(mode, 8), text);
  } catch (cause) {
    const reasons: Record<string, string> = {
      ENOENT: `there is no folder ${path.dirname(file)}`,
      EEXIST: 'it is there already',
    };
    throw failure('write file', file, cause, reasons[errnoOf(cause) ?? ''] ?? 'it cannot be written');
  }
}

/**
 * Makes a folder, and those above it that are missing.
 * @returns those that it made, the uppermost first
 * @throws ClearDfError PRIVILEGE or RUNTIME; what it had made is gone again
 */
function makeFolder(folder: string): string[] {
  const missing: string[] = [];
  for (let at = path.resolve(folder); !existsSync(at); at = path.dirname(at)) missing.unshift(at);
  const made: string[] = [];
  for (const each of missing) {
    try {
      mkdirSync(each, { mode: 0o755 });
      made.push(each);
    } catch (cause) {
      // Somebody else was faster.
      if (errnoOf(cause) === 'EEXIST' && existsSync(each)) continue;
      for (const one of made.reverse()) rmdirSync(one);
      throw failure('make folder', each, cause, 'it cannot be made');
    }
  }
  return made;
}

/** Files and folders that come together: when one cannot be written, those before it are put back. */
export class FileSet {
  readonly #done: { file: string; back: () => void }[] = [];

  /** What this has made and written, in order. */
  get files(): string[] {
    return this.#done.map(({ file }) => file);
  }

  /** As {@link makeFolder}. */
  folder(folder: string): void {
    // Not what somebody else has put into it meanwhile.
    for (const file of makeFolder(folder)) this.#done.push({ file, back: () => rmdirSync(file) });
  }

  /** @param back how to undo what `write` does; default: the file is removed */
  write(file: string, write: () => void, back = () => rmSync(file)): void {
    write();
    this.#done.push({ file, back });
  }

  /**
   * Puts everything back, the last first.
   * @throws the error for which that is done; where something stays, its hint names that
   */
  undo(error: unknown): never {
    const left = this.#done.reverse().filter(({ back }) => !succeeds(back));
    if (left.length === 0 || !ClearDfError.is(error)) throw error;
    const hint = `these could not be put back: ${left.map(({ file }) => file).join(', ')}`;
    throw new ClearDfError({ ...error, reason: error.reason, hint, cause: error });
  }
}

function succeeds(action: () => void): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}

function failure(operation: string, object: string, cause: unknown, reason: string): ClearDfError {
  const errno = errnoOf(cause);
  const denied = errno === 'EACCES' || errno === 'EPERM';
  const taken = errno === 'EEXIST';
  const hint = denied ? 'run as root' : taken ? 'somebody has made it just now, or it is a link to nowhere' : undefined;
  const code = denied ? 'PRIVILEGE' : taken ? 'CONFLICT' : 'RUNTIME';
  return new ClearDfError({ code, operation, object, reason, errno, hint, cause });
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
