import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ruleSpecFromFlags } from '../../src/cli/rule-flags.js';
import { parseQueueRange, type QueueRange, rangeText } from '../../src/net/queue-range.js';
import { parseRuleSpec } from '../../src/rules/spec.js';
import { readOptions } from '../../src/commands/options.js';
import { parseSite } from '../../src/tunnel/site-file.js';
import { HEAD } from './tunnel-wrong-sites.js';

/** Every reader of a range of queues. */
const READERS: Record<string, (text: string) => QueueRange> = {
  'the range': (text) => parseQueueRange(text),
  'clear-df run': (text) => readOptions({ queue: { text, where: '--queue' } }).queue,
  'clear-df rules install': (queue) => ruleSpecFromFlags({ queue }).queues,
  'a site file': (text) => parseSite(`${HEAD}queue: ${JSON.stringify(text)}\n`, 'site-a.yaml').queues,
};

const number = fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 0, max: 300 }));
const sound = fc
  .tuple(fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 255 }))
  .map(([first, more]) => ({ first, last: Math.min(first + more, 65_535) }));

function outcome(read: (text: string) => QueueRange, text: string): QueueRange | string {
  try {
    return read(text);
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

describe.each(Object.entries(READERS))('%s', (_, read) => {
  it.each(['', ' 1', '1 ', '-1', '+1', '1:', ':1', '1:2:3', '1-2', '3:1', '0:256', '65536', '1e3', '0x1', '1.0'])(
    'refuses %j',
    (text) => {
      expect(outcome(read, text)).toBe('USAGE');
    },
  );

  it.each(['00', '01', '010', '0:07', '00:1', '01:02'])('refuses the leading zero of %j', (text) => {
    expect(outcome(read, text)).toBe('USAGE');
  });

  it('reads every range of at most 256 queues', () => {
    fc.assert(
      fc.property(sound, (range) => {
        expect(read(rangeText(range))).toEqual(range);
      }),
    );
    expect(read('0')).toEqual({ first: 0, last: 0 });
    expect(read('0:255')).toEqual({ first: 0, last: 255 });
    expect(read('65535')).toEqual({ first: 65_535, last: 65_535 });
  });
});

describe('all readers of a range', () => {
  it('accept and refuse the same', () => {
    const text = fc.oneof(
      fc.tuple(number, number).map(([first, last]) => `${first}:${last}`),
      fc.stringMatching(/^[0-9: ]{0,8}$/),
      fc.string({ maxLength: 8 }),
    );
    fc.assert(
      fc.property(text, (each) => {
        const [first, ...others] = Object.values(READERS).map((read) => outcome(read, each));
        for (const other of others) expect(other).toEqual(first);
      }),
      { numRuns: 1000 },
    );
  });

  it('agree with what a rule may have', () => {
    fc.assert(
      fc.property(number, number, (first, last) => {
        const accepted = typeof outcome(parseQueueRange, `${first}:${last}`) !== 'string';
        expect(typeof outcome(() => parseRuleSpec({ queues: { first, last } }).queues, '') !== 'string').toBe(accepted);
      }),
    );
  });
});
