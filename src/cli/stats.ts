/** `clear-df stats`: the counters of the running daemon. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { ClearDfError, usageError } from '../errors.js';
import { DEFAULT_LISTEN, type Listen, parseFrom, urlOf } from '../report/listen.js';
import { type Rates, ratesBetween } from '../report/rates.js';
import { readSnapshot } from '../report/read.js';
import type { Snapshot } from '../report/snapshot.js';
import { fastPathText, formatSnapshot } from '../report/text.js';
import { fastPathAlone } from '../commands/fast-path-alone.js';

/** Bytes; 257 queues make about 200 kB. */
const ANSWER_MAX = 4 * 1024 * 1024;
const ANSWER_TIMEOUT_MS = 5000;
const CLEAR_SCREEN = '\x1b[2J';
const HOME = '\x1b[H';
const CLEAR_LINE_REST = '\x1b[K';
const CLEAR_REST = '\x1b[J';

export interface StatsOptions {
  from: Listen;
  /** Seconds between two readings; once when absent. */
  watch?: number;
  json?: boolean;
  all?: boolean;
}

/** Where the words go; a terminal is redrawn and coloured. */
export interface StatsOutput {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** The command, for the table of commands in main. */
export function statsCommand(): Command {
  return new Command('stats')
    .description('print the counters of the running clear-df')
    .addOption(
      new Option('--from <addr:port>', 'where it serves them: its --metrics')
        .argParser((text) => parseFrom(text))
        .default(parseFrom(DEFAULT_LISTEN), DEFAULT_LISTEN),
    )
    .addOption(
      new Option('--watch [seconds]', 'read again and again, and show rates').argParser(parseInterval).preset('1'),
    )
    .option('--json', 'print JSON; with --watch one object per line')
    .option('--all', 'show the rare counters although they are 0')
    .action(async (options: StatsOptions) => {
      const stop = new AbortController();
      const onSignal = () => stop.abort();
      process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
      try {
        await printStats(options, process.stdout, process.stderr, stop.signal).catch((error: unknown) =>
          printAlone(error, options),
        );
      } finally {
        process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      }
    });
}

/**
 * Where no clear-df answers, the fast path may go on all the same: after kill -9, or on purpose.
 * @throws the error itself when there is none
 */
async function printAlone(error: unknown, { json }: StatsOptions): Promise<void> {
  if (!(error instanceof ClearDfError) || error.code !== 'ENVIRONMENT') throw error;
  const fastPath = await fastPathAlone().catch(() => []);
  if (fastPath.length === 0) throw error;
  process.stderr.write(`clear-df: ${error.message}; the fast path goes on without it\n`);
  process.stdout.write(json === true ? `${JSON.stringify({ fastPath }, null, 2)}\n` : `${fastPathText(fastPath)}\n`);
}

/** Seconds from a tenth to an hour. */
function parseInterval(text: string): number {
  const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
  if (!(seconds >= 0.1 && seconds <= 3600)) throw usageError('--watch', text, 'seconds, 0.1-3600');
  return seconds;
}

/**
 * Prints once, or until `signal` aborts. A daemon that goes away while it is watched is waited for.
 * @throws ClearDfError ENVIRONMENT when nothing, or something else, answers the first time
 */
export async function printStats(
  options: StatsOptions,
  out: StatsOutput,
  words: StatsOutput,
  signal: AbortSignal,
): Promise<void> {
  const url = `${urlOf(options.from)}/stats`;
  const first = await take(url, signal);
  if (first === undefined) return;
  if (options.watch === undefined) {
    const json = () => `${JSON.stringify(first, null, 2)}\n`;
    out.write(options.json === true ? json() : text(first, undefined, options, out));
    return;
  }
  const redraws = out.isTTY === true && options.json !== true;
  if (redraws) out.write(CLEAR_SCREEN);
  show(first, undefined, options, out);
  let before = first;
  let gone = false;
  while (await waited(options.watch, signal)) {
    try {
      const after = await take(url, signal);
      if (after === undefined) return;
      show(after, ratesBetween(after, before), options, out);
      before = after;
      gone = false;
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      if (!gone) words.write(`clear-df: ${error.message}; waiting for it\n`);
      gone = true;
    }
  }
}

/** False when the signal came first. */
async function waited(seconds: number, signal: AbortSignal): Promise<boolean> {
  return sleep(seconds * 1000, true, { signal }).catch(() => false);
}

function show(snapshot: Snapshot, rates: Rates | undefined, options: StatsOptions, out: StatsOutput): void {
  if (options.json === true) {
    out.write(`${JSON.stringify({ ...snapshot, ...(rates === undefined ? {} : { rates }) })}\n`);
    return;
  }
  const frame = text(snapshot, rates, options, out);
  if (out.isTTY === true) out.write(HOME + frame.replaceAll('\n', `${CLEAR_LINE_REST}\n`) + CLEAR_REST);
  else out.write(rates === undefined ? frame : `\n${frame}`);
}

function text(snapshot: Snapshot, rates: Rates | undefined, { all }: StatsOptions, out: StatsOutput): string {
  const { NO_COLOR, TERM } = process.env;
  const color = out.isTTY === true && (NO_COLOR ?? '') === '' && TERM !== 'dumb';
  return formatSnapshot(snapshot, { all: all === true, color, rates });
}

/** One reading, or undefined when `signal` aborts meanwhile. */
async function take(url: string, signal: AbortSignal): Promise<Snapshot | undefined> {
  const stop = new AbortController();
  const onAbort = () => stop.abort();
  const timer = setTimeout(onAbort, ANSWER_TIMEOUT_MS);
  signal.addEventListener('abort', onAbort);
  try {
    if (signal.aborted) return undefined;
    const response = await fetch(url, { signal: stop.signal, redirect: 'error' });
    const body = await textOf(response);
    const snapshot = response.ok ? readSnapshot(parseJson(body)) : undefined;
    if (snapshot === undefined)
      throw response.status >= 500 ? sickDaemon(url, response.status) : notClearDf(url, response.status);
    return snapshot;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error instanceof ClearDfError ? error : noAnswer(url, error, stop.signal.aborted);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** The body, or as much of it as no clear-df would ever fill: the port may be anyone's. */
async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    parts.push(part as Uint8Array);
    length += (part as Uint8Array).byteLength;
    if (length > ANSWER_MAX) break;
  }
  return Buffer.concat(parts).toString();
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function notClearDf(url: string, status: number): ClearDfError {
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'read',
    object: 'statistics',
    reason: `what answers at ${url} (status ${status}) is not a clear-df of this kind`,
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

function noAnswer(url: string, cause: unknown, timedOut: boolean): ClearDfError {
  const errno = (cause as { cause?: { code?: unknown } } | undefined)?.cause?.code;
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'read',
    object: 'statistics',
    reason: `nothing answers at ${url}${timedOut ? ` within ${ANSWER_TIMEOUT_MS / 1000} s` : ''}`,
    ...(typeof errno === 'string' && /^E[A-Z0-9]+$/.test(errno) ? { errno } : {}),
    hint: 'start clear-df run, with --metrics ADDR:PORT if not on loopback, or name its address with --from ADDR:PORT',
    cause,
  });
}
