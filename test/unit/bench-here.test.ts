import { describe, expect, test } from 'vitest';
import { benchText } from '../../src/cli/bench-text.js';
import { childError } from '../../src/host/bench/child.js';
import { coresIn, sleepsIn } from '../../src/host/bench/clocks.js';
import { choosePair, readCpuList } from '../../src/host/bench/cores.js';
import { findingsOf, SIZES } from '../../src/capacity/findings.js';
import { requestOf } from '../../src/commands/bench/measure.js';
import { TRIALS } from '../../src/commands/bench/trials.js';
import type { BenchResult } from '../../src/commands/bench.js';
import { pointOf, somePoints } from './capacity/samples.js';

describe('cores', () => {
  test.each([
    ['0-2,5', [0, 1, 2, 5]],
    ['3\n', [3]],
    ['', []],
  ])('%j', (text, cores) => expect(readCpuList(text)).toEqual(cores));

  test('the last two are taken, but not two threads of one core', () => {
    // 0 and 4 are threads of one core, 1 and 5, and so on.
    const siblings = (core: number) => [core % 4, (core % 4) + 4];
    expect(choosePair([0, 1, 2, 3, 4, 5, 6, 7], siblings)).toEqual({ clearing: 7, receiving: 6, siblings: false });
    expect(choosePair([3, 7, 1], siblings)).toEqual({ clearing: 1, receiving: 7, siblings: false });
    expect(choosePair([3, 7], siblings)).toEqual({ clearing: 7, receiving: 3, siblings: true });
    expect(() => choosePair([5], siblings)).toThrow(/two cores.*this process may use 1/);
  });
});

describe('clocks', () => {
  test('how often a thread has slept', () => {
    expect(sleepsIn('Name:\tnode\nvoluntary_ctxt_switches:\t1234\nnonvoluntary_ctxt_switches:\t9\n')).toBe(1234);
  });

  test('what the cores did: idle and waiting for input are no work, guests are counted once', () => {
    const stat = 'cpu  9 9 9 9\ncpu0 10 1 20 100 5 2 3 4 10 1\ncpu12 0 0 0 7 0 0 0 0 0 0\nintr 1\n';
    expect(coresIn(stat)).toEqual(
      new Map([
        // 10 + 1 + 20 + 2 + 3 + 4; with 100 + 5 more.
        [0, { busy: 40, all: 145 }],
        [12, { busy: 0, all: 7 }],
      ]),
    );
  });
});

describe('a child that ended', () => {
  test('is reported in its own words, with the kind of failure', () => {
    const said = '{"level":"info"}\nclear-df: bind queue 0: no such module (ENOENT)\nhint: modprobe nfnetlink_queue\n';
    expect(childError('clear-df in the router', said, 4)).toMatchObject({
      code: 'ENVIRONMENT',
      message: 'run clear-df in the router: bind queue 0: no such module (ENOENT)',
      hint: 'modprobe nfnetlink_queue',
    });
    expect(childError('the sender', '', undefined).message).toBe('run the sender: it exited without output');
  });
});

describe('trials', () => {
  test('those that judge the model are of sizes that it does not see', () => {
    const seen = new Set(TRIALS.filter(({ heldOut }) => heldOut !== true).map(({ length }) => length));
    const judging = TRIALS.filter(({ heldOut }) => heldOut === true);
    expect(judging.length).toBeGreaterThan(0);
    expect(judging.filter(({ length }) => seen.has(length))).toEqual([]);
  });

  test('without a router the frames are addressed to nobody', () => {
    const [send, none] = (['send', 'none'] as const).map((way) => requestOf({ way, length: 600, df: 100 }, 0.5));
    expect(send).toMatchObject({ length: 600, df: 100, milliseconds: 500, rate: 0 });
    expect(send?.mac).not.toBe(none?.mac);
  });
});

describe('the text', () => {
  const heldOut = [{ ...pointOf('clear-df', 1000, 0.35), rate: 250_000 }];
  const result = (cores: number, busyBefore = 0, siblings = false): BenchResult => ({
    machine: { cpu: 'Processor', cores, kernel: '6.1' },
    measuredOn: { receiving: 0, clearing: 1, siblings },
    busyBefore,
    points: [],
    ...findingsOf(somePoints(), heldOut, { cores, gbps: [1, 10, 25], sizes: SIZES, df: 1 }),
  });

  test('has a line for each size and each link, and each advice once', () => {
    const text = benchText(result(16), 100);
    expect(text).toMatch(/^1500 bytes +\d+ k\/s +[\d.]+ Gbit\/s +queue threads$/m);
    expect(text).toMatch(/^1 Gbit\/s of 1500 bytes .* one queue$/m);
    expect(text).toMatch(/^10 Gbit\/s of IMIX .* in the kernel$/m);
    expect(text).toMatch(/^25 Gbit\/s of 64 bytes .* more cores$/m);
    expect(text.match(/--queue 0 is enough/g)).toHaveLength(1);
    expect(text.match(/--fanout cpu/g)).toHaveLength(1);
    expect(text.match(/engine: tunnel-flag/g)).toHaveLength(1);
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('a machine with fewer cores is sent to the kernel earlier', () => {
    const queued = (cores: number) => result(cores).links.filter(({ advice }) => /queue/.test(advice)).length;
    expect(queued(2)).toBeLessThan(queued(16));
  });

  test('without DF there is nothing to clear, and no figure that is none', () => {
    const question = { cores: 16, gbps: [1], sizes: SIZES, df: 0 };
    const text = benchText({ ...result(16), ...findingsOf(somePoints(), [], question) }, 0);
    expect(text).toMatch(/^1 Gbit\/s of 1500 bytes +81.3 k\/s +0 .* nothing to clear$/m);
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('says when others were busy, and when the two are one core', () => {
    expect(benchText(result(16), 100)).not.toMatch(/busy before|two threads/);
    expect(benchText(result(16, 0.25), 100)).toContain('The two cores were 25 % busy before anything was sent');
    expect(benchText(result(16, 0, true), 100)).toContain('two threads of one core');
  });
});
