/**
 * Words for people: pino on stderr, pretty on a terminal, one JSON object a line
 * otherwise. Data never comes this way; it goes to stdout.
 */
import { createRequire } from 'node:module';
import { type Logger, pino } from 'pino';
import type prettyStream from 'pino-pretty';
import { errorSink, sinkStream } from './log/standard-error.js';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * A logger whose every line is written before the call returns, so that nothing is lost when the process ends. A reader
 * of stderr that went away, or has stopped reading, is no reason to stop or to wait: lines are dropped, and how many
 * stands before the next one that gets through.
 */
export function createLogger(level: LogLevel, terminal = process.stderr.isTTY): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!terminal) {
    const sink = errorSink({ notice: droppedLine });
    return pino({ ...options, formatters: { level: (label) => ({ level: label }) } }, sink);
  }
  // A service has no terminal, and need not hold this.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof prettyStream;
  const destination = sinkStream(errorSink({ notice: (dropped) => `${droppedWords(dropped)}\n` }));
  return pino(options, pretty({ destination, colorize: true, translateTime: 'SYS:HH:MM:ss.l', singleLine: true }));
}

function droppedLine(dropped: number): string {
  const line = { level: 'warn', time: new Date().toISOString(), dropped, msg: droppedWords(dropped) };
  return `${JSON.stringify(line)}\n`;
}

function droppedWords(dropped: number): string {
  return `${dropped} ${dropped === 1 ? 'line' : 'lines'} of this log dropped: standard error was not being read`;
}

/** Everything that is said is dropped: for embedding and tests. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
