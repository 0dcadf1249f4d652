/** Loads an addon that is a part of the program: the kernel maps code only from files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ClearDfError } from '../errors.js';

/** Where a file may be written and mapped, one after the other: `/tmp` or `/run` may be mounted noexec. */
function places(): string[] {
  return [...new Set([tmpdir(), '/var/tmp', '/run', '/dev/shm', path.dirname(process.execPath)])];
}

/** In the words of glibc, of a file system that is mounted noexec. */
const NOT_MAPPED = /failed to map segment/;

/**
 * Loads it from a new folder that nobody else may enter, which is gone again once the code is mapped: nothing is left that
 * another user could exchange, or that an older version could be taken from.
 * @throws ClearDfError ENVIRONMENT when there is no place for it; Error of dlopen(3) for any other reason
 */
export function loadUnpacked(file: string, bytes: Uint8Array): unknown {
  const refused: string[] = [];
  for (const place of places()) {
    const why = tryPlace(place, file, bytes);
    if (typeof why !== 'string') return why.exports;
    refused.push(`${place}: ${why}`);
  }
  throw new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'unpack',
    object: file,
    reason: `it can be written and mapped nowhere (${refused.join('; ')})`,
    hint: 'set TMPDIR to a folder that can be written, on a file system that is not mounted noexec',
  });
}

/** What was loaded, or why not from here. */
function tryPlace(place: string, file: string, bytes: Uint8Array): { exports: unknown } | string {
  let folder: string | undefined;
  try {
    folder = mkdtempSync(path.join(place, 'clear-df-'));
    const target = path.join(folder, file);
    writeFileSync(target, bytes, { flag: 'wx', mode: 0o700 });
    const loaded = { exports: {} };
    process.dlopen(loaded, target);
    return loaded;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (NOT_MAPPED.test(message)) return 'mounted noexec';
    if (code === undefined || code === 'ERR_DLOPEN_FAILED') throw error;
    return code;
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
