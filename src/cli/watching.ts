/** What `clear-df stats` and `clear-df top` have in common: whom they ask, how often, and until when. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Option } from 'commander';
import { usageError } from '../errors.js';
import { DEFAULT_LISTEN, parseFrom } from '../report/listen.js';

/** `--from ADDR:PORT` of every command that asks a running clear-df. */
export function fromOption(about = 'where it serves them: its --metrics'): Option {
  return new Option('--from <addr:port>', about)
    .argParser((text) => parseFrom(text))
    .default(parseFrom(DEFAULT_LISTEN), DEFAULT_LISTEN);
}

/** Reads seconds from a tenth to an hour. @param option the flag to name when they are refused */
export function parseInterval(option: string): (text: string) => number {
  return (text) => {
    const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
    if (!(seconds >= 0.1 && seconds <= 3600)) throw usageError(option, text, 'seconds, 0.1-3600');
    return seconds;
  };
}

/** Runs `work` with a signal that aborts on INT and TERM. A second one, as supervisors send, finds a handler as well. */
export async function untilTold(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    await work(stop.signal);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** Waits; false when the signal came first. */
export async function waited(seconds: number, signal: AbortSignal): Promise<boolean> {
  return sleep(seconds * 1000, true, { signal }).catch(() => false);
}
