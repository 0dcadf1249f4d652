/** What a line of the log looks like, and what becomes of lines that repeat themselves. */
import { fstatSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { wantsColor } from '../../src/log/color.js';
import { Fold } from '../../src/log/fold.js';
import { formatLine, formFor, type LogRecord } from '../../src/log/format.js';

const RECORD: LogRecord = {
  level: 'warn',
  time: '2026-01-02T03:04:05.006Z',
  queue: '0',
  rules: ['-A OUTPUT'],
  msg: 'queue full\u001b[2J',
};

describe('a line', () => {
  it('for a terminal has the time of day, the level and what belongs to it, and steers nothing', () => {
    const line = formatLine(RECORD, 'terminal', false);
    expect(line).toMatch(/^\d\d:\d\d:05\.006 warn {2}queue full\\x1b\[2J queue=0 rules=\["-A OUTPUT"\]\n$/);
    expect(formatLine(RECORD, 'terminal', true)).toContain('\u001b[33mwarn ');
  });

  it.each([
    ['debug', 7],
    ['info', 6],
    ['warn', 4],
    ['error', 3],
    ['fatal', 2],
  ])('for journald: %s has priority %i', (level, priority) => {
    expect(formatLine({ level, time: RECORD.time, msg: 'a\nb', n: 1 }, 'journal', false)).toBe(
      `<${priority}>a\\x0ab n=1\n`,
    );
  });

  it('as JSON is as it was given', () => {
    expect(JSON.parse(formatLine(RECORD, 'json', true))).toEqual(RECORD);
  });
});

describe('the format', () => {
  const { dev, ino } = fstatSync(2);
  const journal = { JOURNAL_STREAM: `${dev}:${ino}` };

  it.each([
    ['auto', true, {}, 'terminal'],
    ['auto', false, {}, 'json'],
    ['auto', false, journal, 'journal'],
    // Sent elsewhere since.
    ['auto', false, { JOURNAL_STREAM: `${dev}:${ino}1` }, 'json'],
    ['text', false, {}, 'terminal'],
    ['text', false, journal, 'journal'],
    ['json', true, journal, 'json'],
  ] as const)('%s, terminal %j, %j: %s', (format, terminal, environment, form) => {
    expect(formFor(format, terminal, environment)).toBe(form);
  });
});

it.each([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
  [false, { FORCE_COLOR: '1', NO_COLOR: '1', TERM: 'dumb' }, true],
  [true, { FORCE_COLOR: '0' }, false],
])('colour, terminal %j, %j: %j', (terminal, environment, wanted) => {
  expect(wantsColor(terminal, environment)).toBe(wanted);
});

describe('complaints that repeat themselves', () => {
  const written: LogRecord[] = [];
  const record = (msg: string, level = 'warn', more = {}): LogRecord => ({ level, time: '', msg, ...more });

  beforeEach(() => {
    vi.useFakeTimers();
    written.length = 0;
  });
  afterEach(() => vi.useRealTimers());

  it('are written five times, and then how often', () => {
    const fold = new Fold((one) => written.push(one), 1000);
    for (let n = 0; n < 9; n += 1) fold.take(record('full', 'warn', { n }));
    fold.take(record('other'));
    expect(written.map(({ msg, n }) => n ?? msg)).toEqual([0, 1, 2, 3, 4, 'other']);
    vi.advanceTimersByTime(1000);
    // Four more of the first; the last of them with its own values.
    expect(written.slice(6)).toEqual([record('full', 'warn', { n: 8, repeated: 4 })]);
    fold.take(record('full'));
    expect(written).toHaveLength(8);
  });

  it('are distinguished by level and words, and what is no complaint is never folded', () => {
    const fold = new Fold((one) => written.push(one), 1000);
    for (const level of ['warn', 'error', 'info', 'debug']) {
      for (let n = 0; n < (level === 'info' ? 9 : 5); n += 1) fold.take(record('same', level));
    }
    expect(written).toHaveLength(5 + 5 + 9 + 5);
  });

  it('are all written by the end of the process', () => {
    const fold = new Fold((one) => written.push(one), 1000);
    for (let n = 0; n < 7; n += 1) fold.take(record('full'));
    fold.flush();
    expect(written.at(-1)).toMatchObject({ msg: 'full', repeated: 2 });
    vi.advanceTimersByTime(5000);
    expect(written).toHaveLength(6);
  });
});
