/** Asks the running clear-df by HTTP, for `clear-df stats` and `clear-df metrics`. */
import { answerFrom } from '../commands/answer.js';
import type { FastPathAlone } from '../commands/fast-path-alone.js';
import { ClearDfError } from '../errors.js';
import { type Listen, urlOf } from '../report/listen.js';
import type { Snapshot } from '../report/snapshot.js';

const ANSWER_TIMEOUT_MS = 5000;

/**
 * What it answers, or undefined when `signal` aborts meanwhile.
 * @param read undefined for an answer that no clear-df would give
 * @throws ClearDfError ENVIRONMENT when nothing, or something else, answers; RUNTIME when it could not read its counters
 */
export async function ask<T>(
  from: Listen,
  path: string,
  read: (body: string) => Promise<T | undefined> | T | undefined,
  signal: AbortSignal,
): Promise<T | undefined> {
  const url = `${urlOf(from)}${path}`;
  try {
    const { status, body } = await answerFrom(url, { limit: ANSWER_TIMEOUT_MS, stop: signal });
    const found = status === 200 ? await read(body) : undefined;
    if (found === undefined) throw status >= 500 ? sickDaemon(url, status) : notClearDf(url, `status ${status}`);
    return found;
  } catch (error) {
    if (signal.aborted) return undefined;
    if (error instanceof ClearDfError) throw error;
    // Node's name for what its parser of HTTP rejects.
    if (String((error as NodeJS.ErrnoException).code).startsWith('HPE_')) throw notClearDf(url, 'not by HTTP');
    throw noAnswer(url, error);
  }
}

/** One reading, or undefined when `signal` aborts meanwhile. @throws ClearDfError as {@link ask} */
export function askSnapshot(from: Listen, signal: AbortSignal): Promise<Snapshot | undefined> {
  // By what is as large as all the rest: only when there is something to read.
  const read = async (text: string) => (await import('../report/read.js')).readSnapshot(parseJson(text));
  return ask(from, '/stats', read, signal);
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/**
 * Where no clear-df answers, the fast path may go on all the same: after kill -9, or on purpose.
 * @throws the error itself when there is none
 */
export async function fastPathInstead(error: unknown): Promise<FastPathAlone[]> {
  if (!(error instanceof ClearDfError) || error.code !== 'ENVIRONMENT') throw error;
  // Most who ask are answered: what looks into the kernel is loaded for the others alone.
  const { fastPathAlone } = await import('../commands/fast-path-alone.js');
  const fastPath = await fastPathAlone().catch(() => []);
  if (fastPath.length === 0) throw error;
  process.stderr.write(`clear-df: ${error.message}; the fast path goes on without it\n`);
  return fastPath;
}

function notClearDf(url: string, how: string): ClearDfError {
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'read',
    object: 'statistics',
    reason: `what answers at ${url} (${how}) is not a clear-df of this kind`,
    hint: "name the running clear-df's own address with --from ADDR:PORT",
  });
}

function sickDaemon(url: string, status: number): ClearDfError {
  return new ClearDfError({
    code: 'RUNTIME',
    operation: 'read',
    object: 'statistics',
    reason: `${url} answers with status ${status}: its counters could not be read`,
    hint: 'see the log of the running clear-df',
  });
}

function noAnswer(url: string, cause: unknown): ClearDfError {
  const errno = (cause as { code?: unknown } | undefined)?.code;
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'read',
    object: 'statistics',
    reason: `nothing answers at ${url}${errno === 'ETIMEDOUT' ? ` within ${ANSWER_TIMEOUT_MS / 1000} s` : ''}`,
    ...(typeof errno === 'string' && /^E[A-Z0-9]+$/.test(errno) ? { errno } : {}),
    hint: 'start clear-df run, with --metrics ADDR:PORT if not on loopback, or name its address with --from ADDR:PORT',
    cause,
  });
}
