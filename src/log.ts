/**
 * Words for people, by pino on stderr: text on a terminal, text with priorities for journald, one JSON object a line
 * otherwise. Data never comes this way; it goes to stdout.
 */
import { type Logger, pino } from 'pino';
import { wantsColor } from './log/color.js';
import { Fold } from './log/fold.js';
import { formatLine, formFor, type LogFormat, type LogRecord } from './log/format.js';
import { errorSink } from './log/standard-error.js';

export type { Logger } from 'pino';
export { LOG_FORMATS, type LogFormat } from './log/format.js';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

let chosen: LogFormat = 'auto';

/** From now on, for every logger: there is one standard error. */
export function useLogFormat(format: LogFormat): void {
  chosen = format;
}

/**
 * A logger whose every line is written before the call returns, so that nothing is lost when the process ends. A reader
 * of stderr that went away, or has stopped reading, is no reason to stop or to wait: lines are dropped, and how many
 * stands before the next one that gets through.
 */
export function createLogger(level: LogLevel, terminal = process.stderr.isTTY): Logger {
  const color = wantsColor(terminal);
  const line = (record: LogRecord) => formatLine(record, formFor(chosen, terminal), color);
  const sink = errorSink({ notice: (dropped) => line(droppedRecord(dropped)) });
  const fold = new Fold((record) => void sink.write(line(record)));
  const options = {
    ...{ level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(options, { write: (text: string) => fold.take(JSON.parse(text) as LogRecord) });
}

function droppedRecord(dropped: number): LogRecord {
  const lines = dropped === 1 ? 'line' : 'lines';
  const msg = `${dropped} ${lines} of this log dropped: standard error was not being read`;
  return { level: 'warn', time: new Date().toISOString(), dropped, msg };
}

/** Everything that is said is dropped: for embedding and tests. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
