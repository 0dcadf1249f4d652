/** What answers where a running clear-df serves its statistics. */
import { get, type IncomingMessage } from 'node:http';
import { loopbackIsUp } from '../host/read/loopback.js';
import { type Listen, urlOf } from '../report/listen.js';
import type { Snapshot } from '../report/snapshot.js';

/** Bytes; 257 queues make about 200 kB. */
const ANSWER_MAX = 4 * 1024 * 1024;
/** A refusal comes at once where nobody listens; an answer may take a while on a machine that is ill. */
const ANSWER_TIMEOUT_MS = 10_000;

interface Answer {
  /** Of HTTP. */
  status: number;
  /** As much of it as no clear-df would ever fill: the port may be anyone's. */
  body: string;
}

interface Patience {
  /** Milliseconds. */
  limit: number;
  stop?: AbortSignal | undefined;
}

/** Of URLs. */
const LOOPBACK = /^https?:\/\/(127\.|\[::1\])/;

/**
 * @throws the error of the socket; ETIMEDOUT at the limit; ENETDOWN where the loopback device would have to be up;
 *   AbortError when `stop` aborts
 */
export async function answerFrom(url: string, { limit, stop }: Patience): Promise<Answer> {
  // Nobody refuses it then: a default route takes what is for the loopback device.
  if (LOOPBACK.test(url) && !loopbackIsUp()) throw Object.assign(new Error('lo is down'), { code: 'ENETDOWN' });
  // Not by AbortSignal.any(), which holds what it is made of weakly: a time limit is collected, and never comes.
  const ended = new AbortController();
  const end = () => ended.abort();
  const timer = setTimeout(end, limit);
  stop?.addEventListener('abort', end);
  if (stop?.aborted === true) end();
  try {
    return await read(url, ended.signal);
  } catch (error) {
    if (!ended.signal.aborted || stop?.aborted === true) throw error;
    throw Object.assign(new Error(`no answer within ${limit} ms`), { code: 'ETIMEDOUT' });
  } finally {
    clearTimeout(timer);
    stop?.removeEventListener('abort', end);
  }
}

async function read(url: string, signal: AbortSignal): Promise<Answer> {
  const response = await head(url, signal);
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response) {
    parts.push(part as Uint8Array);
    length += (part as Uint8Array).byteLength;
    if (length > ANSWER_MAX) break;
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(parts).toString() };
}

/** The head of the answer. Not by fetch, whose code alone takes as long to load as all the rest of a command. */
function head(url: string, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { signal, agent: false }, resolve).on('error', reject);
  });
}

/** The counters of the one that runs; undefined when nothing, or something else, answers, or `stop` aborts meanwhile. */
export async function runningSnapshot(
  address: Listen,
  stop?: AbortSignal,
  limit = ANSWER_TIMEOUT_MS,
): Promise<Snapshot | undefined> {
  try {
    const { status, body } = await answerFrom(`${urlOf(address)}/stats`, { limit, stop });
    if (status !== 200) return undefined;
    const { readSnapshot } = await import('../report/read.js');
    return readSnapshot(JSON.parse(body));
  } catch {
    return undefined;
  }
}
