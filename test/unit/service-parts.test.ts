import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../src/log.js';
import { zeroCounters } from '../../src/counters.js';
import { bySetting } from '../../src/commands/announce.js';
import { openOptions } from '../../src/commands/bind.js';
import { FAULT_TEXT } from '../../src/commands/faults.js';
import { distance, nearest } from '../../src/net/nearest.js';
import type { GivenOptions, OptionName } from '../../src/commands/option-table.js';
import { optionsFor, readOptions, type ServiceOptions } from '../../src/commands/options.js';
import { parseRuleSpec } from '../../src/rules/spec.js';
import { planText } from '../../src/commands/plan-text.js';
import { changes, keepBound } from '../../src/commands/reload.js';
import { queuesOf } from '../../src/host/firewall/feeds.js';
import { type SignalWatch, watchSignals } from '../../src/commands/signals.js';
import { rateFields, StatsLine } from '../../src/commands/stats-line.js';
import { UndoStack } from '../../src/commands/undo.js';

function options(texts: Partial<Record<OptionName, string>>): ServiceOptions {
  const entries = Object.entries({ queue: '0', ...texts }).map(([name, text]) => [name, { text, where: name }]);
  return readOptions(Object.fromEntries(entries) as GivenOptions);
}

const NO_FAST_PATH = { text: 'without the fast path: a reason', rules: [] };

describe('nearest', () => {
  it.each([
    ['indentification', 'identification'],
    ['outdev', 'out-dev'],
    ['LARGER_THAN', 'larger-than'],
    ['queu', 'queue'],
  ])('%s is taken for %s', (typed, meant) => {
    expect(nearest(typed, ['queue', 'identification', 'out-dev', 'in-dev', 'larger-than'])).toBe(meant);
  });

  it('has no guess for a word that is like none', () => {
    expect(nearest('bandwidth', ['queue', 'hook'])).toBeUndefined();
  });

  it('measures: 0 only to itself, the same in both directions, one letter is 1', () => {
    const word = fc.string({ minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(distance(a, b)).toBe(distance(b, a));
        expect(distance(a, b) === 0).toBe(a === b);
        expect(distance(a, `${a}x`)).toBe(1);
        expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });
});

describe('undo', () => {
  it('goes backwards, once, past steps that fail', async () => {
    const seen: string[] = [];
    const undo = new UndoStack();
    undo.push('first', () => void seen.push('first'));
    undo.push('second', () => {
      seen.push('second');
      throw new Error('no');
    });
    undo.push('third', async () => {
      await Promise.resolve();
      seen.push('third');
    });
    expect(await undo.unwind(silentLogger())).toEqual([new Error('no')]);
    expect(await undo.unwind(silentLogger())).toEqual([]);
    expect(seen).toEqual(['third', 'second', 'first']);
  });
});

describe('signals', () => {
  let watch: SignalWatch | undefined;
  afterEach(() => watch?.dispose());

  it('the first TERM stops, and a third signal ends with 128 + its number; HUP does neither', async () => {
    let hups = 0;
    const impatient: number[] = [];
    watch = watchSignals({ exit: (exitCode) => impatient.push(exitCode), after: () => undefined });
    watch.attend({ reload: () => (hups += 1), ignored: () => undefined });
    process.emit('SIGHUP');
    expect({ hups, stopping: watch.stopping, stop: watch.stop.aborted }).toEqual({
      ...{ hups: 1, stopping: undefined, stop: false },
    });
    process.emit('SIGTERM', 'SIGTERM');
    expect(await watch.stopped).toBe('SIGTERM');
    expect({ stopping: watch.stopping, stop: watch.stop.reason as unknown }).toEqual({
      ...{ stopping: 'SIGTERM', stop: 'SIGTERM' },
    });
    process.emit('SIGTERM', 'SIGTERM');
    // Supervisors send two at once.
    expect(impatient).toEqual([]);
    process.emit('SIGINT', 'SIGINT');
    expect(impatient).toEqual([130]);
  });

  it.each([
    ['a second after the first', true, [143]],
    ['with the first, and this process was kept from its processor meanwhile', false, []],
  ])('a second TERM that comes %s ends at once: %s', async (_, handledLater, ended) => {
    const impatient: number[] = [];
    let waited = 0;
    let later = () => undefined as void;
    const after = (milliseconds: number, then: () => void) => ([waited, later] = [milliseconds, then]);
    watch = watchSignals({ exit: (exitCode) => impatient.push(exitCode), after });
    process.emit('SIGTERM', 'SIGTERM');
    expect(waited).toBe(1000);
    later();
    if (handledLater) await new Promise((resolve) => setImmediate(resolve));
    process.emit('SIGTERM', 'SIGTERM');
    expect(impatient).toEqual(ended);
  });

  it('a HUP before the service is there is kept for it, once', () => {
    let hups = 0;
    watch = watchSignals();
    process.emit('SIGHUP');
    process.emit('SIGHUP');
    watch.attend({ reload: () => (hups += 1), ignored: () => undefined });
    expect(hups).toBe(1);
  });

  it('the HUP of a terminal that went away stops, and a second one is no impatience', async () => {
    const impatient: number[] = [];
    watch = watchSignals({ hangup: true, exit: (exitCode) => impatient.push(exitCode) });
    process.emit('SIGHUP');
    process.emit('SIGHUP');
    expect(await watch.stopped).toBe('SIGHUP');
    expect(impatient).toEqual([]);
  });

  it('QUIT and USR2 stop; USR1 and ALRM are logged and do nothing else', async () => {
    const told: string[] = [];
    watch = watchSignals();
    watch.attend({ reload: () => undefined, ignored: (signal) => told.push(signal) });
    for (const signal of ['SIGUSR1', 'SIGALRM'] as const) process.emit(signal, signal);
    expect({ told, stopping: watch.stopping }).toEqual({
      told: ['SIGUSR1', 'SIGALRM'],
      stopping: undefined,
    });
    process.emit('SIGQUIT', 'SIGQUIT');
    expect(await watch.stopped).toBe('SIGQUIT');
    watch.dispose();
    watch = watchSignals();
    process.emit('SIGUSR2', 'SIGUSR2');
    expect(await watch.stopped).toBe('SIGUSR2');
  });

  it('are given back', () => {
    const before = process.listenerCount('SIGTERM');
    watchSignals().dispose();
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });
});

describe('reload', () => {
  it('finds what differs, and says which of it needs a new start', () => {
    const before = options({ stats: '1', identification: 'random' });
    const after = options({ queue: '1', identification: 'keep', 'fail-open': 'false', stats: '1' });
    expect(changes(before, after)).toEqual([
      { name: 'queue', before: '0', after: '1', live: false },
      { name: 'identification', before: 'random', after: 'keep', live: true },
      { name: 'fail-open', before: 'true', after: 'false', live: false },
    ]);
    expect(changes(before, before)).toEqual([]);
  });

  it('a default that is written out is no difference', () => {
    expect(changes(options({}), options({ metrics: '127.0.0.1:9857', gso: 'auto' }))).toEqual([]);
  });

  it('keeps what is bound, in the rules too', () => {
    const before = options({ queue: '4', 'copy-range': '100' });
    const after = options({ queue: '5', 'install-rules': 'true', identification: 'keep', gso: 'off' });
    const next = keepBound(before, after);
    expect(next).toMatchObject({
      queue: { first: 4, last: 4 },
      gso: 'auto',
      'copy-range': 100,
      identification: 'keep',
    });
    expect(next.rules.map(({ queues }) => queues)).toEqual([{ first: 4, last: 4 }]);
    expect(changes(before, next).map(({ name }) => name)).toEqual(['identification', 'install-rules']);
  });
});

describe('reload of options made in code', () => {
  const asked = (last: number, names: string[]) => {
    const queues = { first: 4, last };
    return names.map((outDev) => parseRuleSpec({ queues, name: 'site', hook: 'bridge', outDev }));
  };

  it('keeps the queues of the start in every rule, and takes the new rules', () => {
    const before = optionsFor({ queues: { first: 4, last: 4 }, rules: asked(4, ['a']), gso: 'off' });
    const after = optionsFor({ queues: { first: 4, last: 7 }, rules: asked(7, ['a', 'b']), identification: 'keep' });
    const next = keepBound(before, after);
    expect(next).toMatchObject({ queue: { first: 4, last: 4 }, gso: 'off', identification: 'keep', name: 'site' });
    expect(next.rules).toEqual(asked(4, ['a', 'b']));
    expect(changes(before, next).map(({ name }) => name)).toEqual(['identification']);
    expect(next.given.gso?.text).toBe('off');
    expect(planText(next, NO_FAST_PATH, undefined)).toContain('# bind queue 4\n');
  });
});

describe('what the mangler is asked for', () => {
  it('only what was given; the rest is its own default', () => {
    expect(openOptions(options({ queue: '0:3' }), false)).toEqual({
      queues: '0:3',
      identification: 'random',
      gso: true,
      failOpen: true,
      neverLocal: false,
    });
    const given = { gso: 'off', 'fail-open': 'false', 'queue-length': '5', 'copy-range': '64' };
    expect(openOptions(options(given), true)).toMatchObject({
      gso: false,
      failOpen: false,
      neverLocal: true,
      queueLength: 5,
      copyRange: 64,
    });
  });
});

describe('words', () => {
  it('a fault is a sentence with its count', () => {
    for (const { sentence } of Object.values(FAULT_TEXT)) expect(sentence(3)).toMatch(/ .* /);
    expect(FAULT_TEXT.leaking.sentence(1)).toContain('1 packet left');
    expect(FAULT_TEXT.leaking.sentence(70)).toContain('70 packets left');
    expect(FAULT_TEXT.leaking.hint).toContain('--receive-buffer');
  });

  it('one outcome on several queues is one line', () => {
    const setting = { setting: 'gso', required: false, value: 1 };
    const settings = [
      { ...setting, queue: 0 },
      { ...setting, queue: 1 },
      { ...setting, queue: 2, refused: 'EINVAL' },
    ];
    expect(bySetting(settings)).toEqual([
      { setting: 'gso', value: 1, queues: [0, 1] },
      { setting: 'gso', value: 1, refused: 'EINVAL', queues: [2] },
    ]);
  });

  it('a statistics line leaves out what stands still', () => {
    const counters = { ...zeroCounters(), packets: 10.04, leaked: 0.5 };
    const queues = [{ queue: 0, counters, queueDropped: 2, userDropped: 1 }];
    expect(rateFields({ seconds: 2.04, restarted: false, counters, queues, fastPath: [] })).toEqual({
      seconds: 2,
      packetsPerSecond: 10,
      clearedPerSecond: 0,
      leakedPerSecond: 0.5,
      droppedPerSecond: 3,
    });
  });

  it.each([
    ['-A OUTPUT -p gre -j NFQUEUE --queue-num 4 --queue-bypass', { first: 4, last: 4 }],
    ['-A OUTPUT -p gre -j NFQUEUE --queue-balance 2:5 --queue-bypass', { first: 2, last: 5 }],
    ['ip protocol 47 counter packets 0 bytes 0 queue num 7 bypass comment "clear-df:x"', { first: 7, last: 7 }],
    ['ip protocol 47 queue flags bypass to 3-6 comment "clear-df:x"', { first: 3, last: 6 }],
    ['-A OUTPUT -j NFQUEUE --queue-balance 2:5 --queue-bypass --queue-cpu-fanout', { first: 2, last: 5 }],
    ['ip protocol 47 counter queue num 3-6 bypass,fanout comment "clear-df:x"', { first: 3, last: 6 }],
    ['ip protocol 47 queue flags bypass,fanout to 3-6 comment "clear-df:x"', { first: 3, last: 6 }],
    ['ip protocol 47 queue to 9 comment "clear-df:x"', { first: 9, last: 9 }],
    ['ip protocol 47 accept', undefined],
  ])('the queues of %j are %j', (rule, range) => {
    expect(queuesOf(rule)).toEqual(range);
  });

  it('a plan without rules is comments only', () => {
    const text = planText(options({ queue: '2:3', identification: 'keep' }), NO_FAST_PATH, undefined);
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
    expect(text).toContain('# without the fast path: a reason\n# bind queue 2:3');
    expect(text).toContain('#   identification: keep');
  });
});

it('a reading that fails is a line in the log, and ends no run', () => {
  vi.useFakeTimers();
  const told: string[] = [];
  const log = { ...silentLogger(), warn: (_: unknown, words: string) => void told.push(words) };
  const line = new StatsLine(log as never, () => {
    throw new Error('no');
  });
  line.every(1);
  vi.advanceTimersByTime(2000);
  line.stop();
  vi.useRealTimers();
  expect(told).toEqual(Array.from({ length: 3 }, () => 'the statistics could not be read'));
});
