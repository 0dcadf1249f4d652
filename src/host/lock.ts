/**
 * One change at a time, by flock(2) on a file of ours: the kernel itself lets go of it, whatever ends the process, and
 * neither process numbers nor their namespaces matter. Commands that a holder starts hold the lock too, so that one which
 * outlives a killed holder is not overtaken.
 */
import { closeSync, fstatSync, ftruncateSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { ClearDfError } from '../errors.js';
import { native } from '../native.js';
import { errnoName } from '../native/errno.js';
import { errnoOf } from './exec.js';
import { openStateFile } from './state.js';

/** Who took it, for people; it is not what makes the lock. */
const holder = z.object({ pid: z.int().positive(), command: z.string() });

export interface Lock {
  /** Safe to call again. */
  release(): void;
}

interface LockOptions {
  /** What is locked, for messages: `tunnel site-a`. */
  what: string;
  file: string;
  /** Commands that are started under the lock hold it too, until each has ended; default: yes. */
  inherit?: boolean;
}

interface Waiting {
  /** Milliseconds. */
  limit: number;
  /** Says once whom it waits for. */
  tell?: ((words: string) => void) | undefined;
  /** Gives up at once when it is aborted. */
  stop?: AbortSignal | undefined;
}

/** Milliseconds between two attempts at a lock that is held. */
const LOOK_MS = 50;
/** The one before may take the file away in the moment between opening and locking it. */
const TRIES = 100;

/**
 * Takes a lock, or refuses.
 * @throws ClearDfError CONFLICT that names who has it; PRIVILEGE or RUNTIME where its file cannot be written or trusted
 */
export function takeLock({ what, file, inherit = true }: LockOptions): Lock {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const handle = openStateFile(file);
    try {
      lockOpenFile(handle, inherit, what, file);
      if (isStill(file, handle)) {
        const text = `${JSON.stringify({ pid: process.pid, command: process.title })}\n`;
        ftruncateSync(handle);
        writeSync(handle, text, 0);
        return releasable(file, handle);
      }
    } catch (error) {
      closeSync(handle);
      throw error;
    }
    closeSync(handle);
  }
  throw new ClearDfError({ code: 'RUNTIME', operation: 'lock', object: what, reason: `${file} comes and goes` });
}

/**
 * Takes a lock, and waits for it where it is held.
 * @throws ClearDfError as {@link takeLock}
 */
export async function waitForLock(options: LockOptions, { limit, tell, stop }: Waiting): Promise<Lock> {
  let told = false;
  for (const until = Date.now() + limit; ; await pause(LOOK_MS)) {
    try {
      return takeLock(options);
    } catch (error) {
      if (!(error instanceof ClearDfError) || error.code !== 'CONFLICT') throw error;
      if (Date.now() > until || stop?.aborted === true) throw error;
      if (!told) tell?.(`waiting: ${error.message}`);
      told = true;
    }
  }
}

function lockOpenFile(handle: number, inherit: boolean, what: string, file: string): void {
  const errno = native().flock(handle, inherit);
  if (errno === 0) return;
  const name = errnoName(errno);
  if (name === 'EAGAIN') throw taken(what, handle);
  const reason = `${file} cannot be locked`;
  throw new ClearDfError({ code: 'RUNTIME', operation: 'lock', object: what, reason, errno: name });
}

/** Whether the file of this name is the one that is open: whoever held it before takes it away. */
function isStill(file: string, handle: number): boolean {
  try {
    const [named, open] = [statSync(file), fstatSync(handle)];
    return named.ino === open.ino && named.dev === open.dev;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function releasable(file: string, handle: number): Lock {
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      closeSync(handle);
      sweep(file);
    },
  };
}

/** Takes the file away, unless the lock is held by now: the next one, or a command that has not ended. */
function sweep(file: string): void {
  let handle: number | undefined;
  try {
    handle = openStateFile(file);
    if (native().flock(handle, false) === 0 && isStill(file, handle)) rmSync(file);
  } catch {
    // A file of a few bytes is left; it locks nothing.
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function taken(what: string, handle: number): ClearDfError {
  const { pid, command } = readHolder(handle) ?? {};
  const who = pid === undefined ? 'another process' : `process ${pid} (${command})`;
  return new ClearDfError({
    code: 'CONFLICT',
    operation: 'lock',
    object: what,
    reason: `${who}, or a command that it has started, is changing it`,
    hint: 'wait until it has ended, or stop it',
  });
}

function readHolder(handle: number): z.infer<typeof holder> | undefined {
  try {
    return holder.parse(JSON.parse(readFileSync(handle, 'utf8')));
  } catch {
    return undefined;
  }
}
