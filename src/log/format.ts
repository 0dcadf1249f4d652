/** A line of the log, as a person, journald or a program reads it. */
import { fstatSync } from 'node:fs';
import { styleText } from 'node:util';
import { printable } from '../errors.js';

/** `auto`: text on a terminal and for journald, JSON otherwise. */
export const LOG_FORMATS = ['auto', 'text', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** What one line is written as. */
type LineForm = 'terminal' | 'journal' | 'json';

/** What a call of the logger has made: these three, and whatever was given with the words. */
export interface LogRecord {
  level: string;
  time: string;
  msg?: string;
  [field: string]: unknown;
}

/** syslog(3): what journald takes from `<N>` at the start of a line (sd-daemon(3)). */
const PRIORITIES: Record<string, number> = { fatal: 2, error: 3, warn: 4, info: 6, debug: 7, trace: 7 };
const STYLES = { fatal: 'red', error: 'red', warn: 'yellow' } as const;
const STDERR = 2;

/** How a format is written to standard error. @param terminal whether that is one */
export function formFor(format: LogFormat, terminal: boolean, environment = process.env): LineForm {
  if (format === 'json') return 'json';
  if (isJournal(environment['JOURNAL_STREAM'])) return 'journal';
  return format === 'text' || terminal ? 'terminal' : 'json';
}

/** Whether standard error leads to journald: systemd.exec(5), $JOURNAL_STREAM. It may have been sent elsewhere since. */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(STDERR);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** The line, with its newline. */
export function formatLine(record: LogRecord, form: LineForm, color: boolean): string {
  if (form === 'json') return `${JSON.stringify(record)}\n`;
  const { level, time, msg = '', ...fields } = record;
  const details = Object.entries(fields).map(([name, value]) => `${name}=${valueText(value)}`);
  const words = printable(msg);
  if (form === 'journal') return `<${PRIORITIES[level] ?? 6}>${[words, ...details].join(' ')}\n`;
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    color ? styleText(style, text, { validateStream: false }) : text;
  const style = STYLES[level as keyof typeof STYLES];
  const parts = [
    paint('dim', clock(time)),
    style === undefined ? level.padEnd(5) : paint(style, level.padEnd(5)),
    words,
    ...(details.length === 0 ? [] : [paint('dim', details.join(' '))]),
  ];
  return `${parts.join(' ')}\n`;
}

/** Local time of day. */
function clock(time: string): string {
  const date = new Date(time);
  const two = (number: number) => String(number).padStart(2, '0');
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two);
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** A word as it is; anything else as JSON. */
function valueText(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@%+-]+$/.test(value)) return value;
  return printable(JSON.stringify(value) ?? String(value));
}
