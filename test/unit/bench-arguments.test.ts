import { describe, expect, test } from 'vitest';
import { BadArgument, readArguments } from '../../bench/arguments.js';
import { planCores } from '../../bench/lab/cores.js';
import { CONTENDERS, LOADS } from '../../bench/record/catalogue.js';
import { ratio, spread } from '../../bench/record/statistics.js';
import { packetsPerCpuSecond } from '../../bench/record/measures.js';
import { digits, nanoseconds, percent } from '../../bench/page/units.js';
import { sampleCell, sampleResults } from './bench-samples.js';

describe('npm run bench --', () => {
  test('runs everything five times when nothing is asked for', () => {
    const asked = readArguments([]);
    expect(asked).toMatchObject({ mode: 'run', rounds: 5, seconds: 3, complete: true, out: undefined });
    expect(asked.loads).toEqual(LOADS);
    expect([...asked.contenders]).toEqual(CONTENDERS.map(({ name }) => name));
  });

  test('runs a part, with the load that a pace is a share of', () => {
    const asked = readArguments(['--load', 'pace-50', '--contender', 'null', '--contender', 'clear-df']);
    expect(asked.loads.map(({ name }) => name)).toEqual(['udp-1400', 'pace-50']);
    expect([...asked.contenders]).toEqual(['null', 'clear-df']);
    expect(asked.complete).toBe(false);
    expect(readArguments(['--rounds', '4']).complete).toBe(false);
  });

  test('measures for the model in three rounds of one second, and all of it', () => {
    expect(readArguments(['--model'])).toMatchObject({ mode: 'model', rounds: 3, seconds: 1, complete: true });
    expect(readArguments(['--model', '--rounds', '2']).complete).toBe(false);
  });

  test.each([
    [['--model', '--load', 'udp-64'], /--load and --contender are not accepted with --model/],
    [['--rounds', '0'], /--rounds '0' is not accepted; expected 1-100/],
    [['--rounds', '2.5'], /--rounds 2.5 is not accepted; expected a whole number/],
    [['--seconds', 'x'], /--seconds 'x' is not accepted/],
    [['--seconds', ''], /--seconds '' is not accepted/],
    [['--load', 'udp'], /--load 'udp' is not accepted; expected one of udp-64, /],
    [['--contender', 'pf'], /--contender 'pf' is not accepted; expected one of none, /],
    [['--fast'], /--fast/],
  ])('refuses %j', (words, message) => {
    expect(() => readArguments(words)).toThrow(BadArgument);
    expect(() => readArguments(words)).toThrow(message);
  });
});

describe('cores', () => {
  test.each([
    [1, 2, { sender: 0, contender: [1], receiver: 0 }],
    [4, 2, { sender: 0, contender: [1], receiver: 0 }],
    [1, 4, { sender: 0, contender: [1], receiver: 3 }],
    [4, 4, { sender: 0, contender: [1, 2], receiver: 3 }],
    [4, 8, { sender: 0, contender: [1, 2, 3, 4], receiver: 7 }],
  ])('%i queues on %i cores', (queues, cores, plan) => {
    expect(planCores(queues, cores)).toEqual(plan);
  });

  test('one is not enough', () => {
    expect(() => planCores(1, 1)).toThrow(/two cores/);
  });
});

describe('figures', () => {
  test('of an odd and an even number of rounds', () => {
    expect(spread([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, rounds: 3 });
    expect(spread([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4, rounds: 4 });
    expect(() => spread([])).toThrow(RangeError);
  });

  test('of two contenders are compared round by round', () => {
    // 100, 200 and 300 k beside 100, 50 and 100 k: 1, 4 and 3 times. The ratio of the medians would be 2.
    const results = sampleResults();
    for (const [round, packets] of [100_000, 50_000, 100_000].entries()) {
      results.cells.push(sampleCell({ contender: 'article', round: round + 1, packets }));
    }
    const found = ratio(results, 'udp-64', ['clear-df', 'article'], packetsPerCpuSecond);
    expect(found).toEqual({ median: 3, min: 1, max: 4, rounds: 3 });
  });

  test('have three digits and their unit', () => {
    expect([0, 0.1234, 1.234, 12.34, 123.4, 1234].map(digits)).toEqual(['0', '0.123', '1.23', '12.3', '123', '1234']);
    expect([-20, 999, 1500, 2_500_000, 3e9].map(nanoseconds)).toEqual([
      '-20 ns',
      '999 ns',
      '1.50 µs',
      '2.50 ms',
      '3.00 s',
    ]);
  });

  test('never say all of what is not all, or none of what is some', () => {
    expect([1, 0.999999, 0.9991, 0.5, 0.00001, 0].map(percent)).toEqual([
      ...['100 %', '> 99.99 %', '99.91 %', '50.0 %', '< 0.01 %', '0 %'],
    ]);
  });
});
