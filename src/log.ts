/**
 * Words for people: pino on stderr, pretty on a terminal, one JSON object a line
 * otherwise. Data never comes this way; it goes to stdout.
 */
import { createRequire } from 'node:module';
import { type Logger, pino } from 'pino';
import type prettyStream from 'pino-pretty';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

/**
 * A logger whose every line is written before the call returns, so that nothing is lost when the
 * process ends. A reader of stderr that went away is no reason to stop: its lines are dropped.
 */
export function createLogger(level: LogLevel, terminal = process.stderr.isTTY): Logger {
  const destination = pino.destination({ dest: STDERR, sync: true });
  destination.on('error', () => undefined);
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!terminal) return pino({ ...options, formatters: { level: (label) => ({ level: label }) } }, destination);
  // A service has no terminal, and need not hold this.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof prettyStream;
  const stream = pretty({ destination, colorize: true, translateTime: 'SYS:HH:MM:ss.l', singleLine: true, sync: true });
  return pino(options, stream);
}

/** Everything that is said is dropped: for embedding and tests. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
