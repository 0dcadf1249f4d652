/**
 * One change of a tunnel at a time. The lock is a file with the holder's pid and start time; that of a process which
 * is no longer there counts for nothing.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { ClearDfError } from '../../errors.js';
import { errnoOf } from '../exec.js';
import { commandOf, type ProcessIdentity, stillRuns, thisProcess } from '../process.js';
import { makeFolderOf, tunnelFile } from './place.js';

const holder = z.object({ pid: z.int().positive(), started: z.int().optional() });

export interface Lock {
  /** Safe to call again. */
  release(): void;
}

/** A dead holder's file can be swept by one contender only; the others look again. */
const TRIES = 5;

/**
 * Takes the lock of a tunnel in this network namespace.
 * @throws ClearDfError CONFLICT that names the process which has it; RUNTIME where the file cannot be written
 */
export function takeLock(name: string, file = tunnelFile(name, 'lock')): Lock {
  const own = `${file}.${process.pid}`;
  try {
    makeFolderOf(file);
    rmSync(own, { force: true });
    writeFileSync(own, `${JSON.stringify(thisProcess())}\n`, { mode: 0o600, flag: 'wx' });
    for (let tries = 0; tries < TRIES; tries += 1) {
      if (linked(own, file)) return { release: () => release(file) };
      const other = readHolder(file);
      if (other !== undefined && stillRuns(other)) throw taken(name, other);
      sweep(file, other);
    }
  } catch (cause) {
    if (cause instanceof ClearDfError) throw cause;
    throw failed(name, file, cause);
  } finally {
    rmSync(own, { force: true });
  }
  throw failed(name, file, new Error('other processes come and go there'));
}

function linked(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Moves the file away first and looks at what was moved: between looking and moving it may have got a new owner. */
function sweep(file: string, dead: ProcessIdentity | undefined): void {
  const aside = `${file}.${process.pid}.dead`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  const moved = readHolder(aside);
  if (moved !== undefined && moved.pid !== dead?.pid && stillRuns(moved)) linked(aside, file);
  rmSync(aside, { force: true });
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return holder.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

function release(file: string): void {
  if (readHolder(file)?.pid === process.pid) rmSync(file, { force: true });
}

function taken(name: string, { pid }: ProcessIdentity): ClearDfError {
  const command = commandOf(pid);
  return new ClearDfError({
    code: 'CONFLICT',
    operation: 'lock tunnel',
    object: name,
    reason: `process ${pid}${command === undefined ? '' : ` (${command})`} is changing it`,
    hint: 'wait until it has ended, or stop it',
  });
}

function failed(name: string, file: string, cause: unknown): ClearDfError {
  const errno = errnoOf(cause);
  return new ClearDfError({
    code: errno === 'EACCES' || errno === 'EPERM' ? 'PRIVILEGE' : 'RUNTIME',
    operation: 'lock tunnel',
    object: name,
    reason: `${file} cannot be written: ${(cause as Error).message}`,
    errno,
    hint: errno === 'EACCES' ? 'run as root' : undefined,
    cause,
  });
}
