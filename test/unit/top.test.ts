/** `clear-df top`: what is drawn, without a terminal; and what of it goes to one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Screen } from '../../src/cli/screen.js';
import { type Line, rendered, sparkline } from '../../src/report/top/canvas.js';
import { drawTop, type TopState } from '../../src/report/top/draw.js';
import { fastCounters, topState } from './top-samples.js';
import { screenAsSvg } from './top-svg.js';

const plain = (lines: readonly Line[]) => lines.map((line) => rendered(line, false));
const draw = (state: TopState, width: number, height: number) => plain(drawTop(state, width, height));

describe('the screen', () => {
  it.each([
    [80, 24, 1],
    [80, 24, 32],
    [40, 10, 1],
    [40, 10, 32],
    [200, 60, 1],
    [200, 60, 32],
  ])('%i × %i with %i queues is filled exactly, and says what matters', (width, height, queues) => {
    const lines = draw(topState({ queues, fastPath: true, leaking: true }), width, height);
    expect(lines.map((line) => line.length)).toEqual(Array.from({ length: height }, () => width));
    const text = lines.join('\n');
    expect(text).toMatch(/^clear-df 0\.1\.0 {2}site-a .*up 2 min *$/m);
    expect(text).toMatch(/ packets +\d[\d.]* k\/s [▁-█ ]+/);
    expect(text).toMatch(/ CPU +\d+\.?\d* % [▁-█ ]+/);
    expect(text).toMatch(/ batch +12\.0 /);
    // The lowest screen gives its last line to what is wrong.
    if (height > 10 || queues === 1) expect(text).toMatch(/ ids wrap +1 min 21 s/);
    else expect(text).toMatch(/^!420 packets/m);
    expect(text).toMatch(queues > 3 ? /!leaked +7\/s/ : / leaked +0\/s/);
    if (height >= 24) expect(text).toMatch(/(^| {4})gretap2 +\d/m);
  });

  it('is as the documents show it', async () => {
    const lines = drawTop(topState({ queues: 4, fastPath: true, leaking: true }), 80, 24);
    const picture = screenAsSvg(lines, 'clear-df top at 80×24: rates with graphs, queues, devices, a leak in red');
    await expect(picture).toMatchFileSnapshot('../../docs/monitoring/top.svg');
  });

  it('has all of 32 queues where they fit, and scrolls where they do not', () => {
    const state = topState({ queues: 32 });
    // Two tables of 98 columns each, 4 between them.
    const numbers = (lines: string[]) =>
      lines
        .slice(11)
        .flatMap((line) => [0, 102].flatMap((at) => /^\d+(?= {10})/.exec(line.slice(at)) ?? []).map(Number));
    expect(numbers(draw(state, 200, 60)).sort((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, i) => i));
    const few = draw(state, 80, 24);
    expect(few.join('\n')).toContain('of 32; up and down show the others');
    const last = draw({ ...state, scroll: 31 }, 80, 24);
    expect(last.some((line) => line.startsWith('31 '))).toBe(true);
    expect(last.some((line) => line.startsWith('0 '))).toBe(false);
  });

  it('is red where packets were lost, identifications return within the reassembly time, or a queue is lost', () => {
    const state = topState({ queues: 4, leaking: true });
    const [queue, ...others] = state.snapshot.queues;
    state.snapshot = {
      ...state.snapshot,
      queues: [{ ...queue!, kernel: { state: 'unbound' } }, ...others],
      busiest: { destination: '198.51.100.2', protocol: 47, perSecond: 6553.6, wrapSeconds: 10 },
    };
    const red = drawTop(state, 80, 24).flatMap((line) => line.filter(({ style }) => style === 'red'));
    const words = red.map(({ text }) => text.trim());
    expect(words).toEqual(expect.arrayContaining(['!leaked', '7/s', '!ids wrap', '10 s', '!0', '!not bound', '!7']));
    expect(words).not.toContain('!overrun');
    const well = drawTop(topState({ queues: 4 }), 80, 24).flatMap((line) =>
      line.filter(({ style }) => style === 'red'),
    );
    expect(well).toEqual([]);
  });

  it('says that what it shows is old', () => {
    for (const [width, height] of [
      [80, 24],
      [40, 10],
    ] as const) {
      const lines = draw(
        topState({ queues: 1 }, { problem: 'nothing answers at http://127.0.0.1:9857' }),
        width,
        height,
      );
      expect(lines.at(-2)).toMatch(/^!nothing answers at http/);
    }
  });

  it('without the fast path shows that there is none, and no rates before the second reading', () => {
    const text = draw(topState({ queues: 1 }, { rates: undefined }), 80, 24).join('\n');
    expect(text).toContain('not used');
    expect(text).toMatch(/ packets +- /);
  });

  it('keeps its columns with whatever words come, at any size', () => {
    const state = topState({ queues: 32, fastPath: true, leaking: true });
    const strange = '表\u0301😀 wide'.repeat(9);
    state.snapshot = {
      ...state.snapshot,
      name: strange,
      fastPath: [{ device: strange, direction: 'ingress', counters: fastCounters() }],
      busiest: { destination: strange, protocol: 253, perSecond: 1e12, wrapSeconds: 1e9 },
    };
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 250 }), fc.integer({ min: 1, max: 70 }), (width, height) => {
        const lines = draw(state, width, height);
        expect(lines.map((line) => line.length)).toEqual(Array.from({ length: height }, () => width));
        // One column each: nothing but what every terminal agrees on.
        expect(lines.join('')).toMatch(/^[\x20-\x7e…▁-█]*$/);
      }),
    );
  });
});

describe('a graph', () => {
  it.each([
    [[0, 1, 2, 4, 7], 5, '▁▂▃▅█'],
    [[0, 0], 4, '  ▁▁'],
    [[5, NaN, 5], 3, '█ █'],
    [[0.001, 1000], 2, '▂█'],
    [[1, 2, 3, 4], 2, '▆█'],
    [[], 3, '   '],
    [[1, 2], 0, ''],
  ])('of %j in %i columns is %j', (values, width, drawn) => {
    expect(sparkline(values, width, true)).toBe(drawn);
  });

  it('is drawn in ASCII where the terminal has no more', () => {
    expect(sparkline([0, 1, 2, 4, 7], 5, false)).toBe('_.:=#');
    expect(draw(topState({ queues: 1, fastPath: true }, { unicode: false }), 80, 24).join('')).toMatch(
      /^[\x20-\x7e]*$/,
    );
  });
});

describe('the terminal', () => {
  function terminal() {
    const written: string[] = [];
    let reads = true;
    const write = (text: string) => reads && written.push(text) > 0;
    const out = { write, finish: (text: string) => void written.push(text), columns: 80, rows: 24 };
    const input = { isTTY: false } as never;
    const halt = (halted: boolean) => (reads = !halted);
    return { written, halt, screen: new Screen(out, input, () => undefined) };
  }

  it('gets only the lines that differ, and nothing where none does', () => {
    const { written, screen } = terminal();
    screen.enter();
    screen.draw(['one', 'two', 'three']);
    written.length = 0;
    screen.draw(['one', 'two', 'three']);
    expect(written).toEqual([]);
    screen.draw(['one', 'TWO', 'three']);
    expect(written).toEqual(['\x1b[?2026h\x1b[2;1HTWO\x1b[?2026l']);
    screen.forget();
    screen.draw(['one', 'TWO', 'three']);
    expect(written.at(-1)).toMatch(/2J.*one.*TWO.*three/s);
    screen.leave();
  });

  it('that is not read gets no frame, and the whole of the next one when it is', () => {
    const { written, halt, screen } = terminal();
    halt(true);
    screen.enter();
    screen.draw(['one', 'two']);
    halt(false);
    screen.draw(['one', 'TWO']);
    expect(written).toHaveLength(1);
    expect(written[0]?.startsWith('\x1b[?1049h')).toBe(true);
    expect(written[0]).toMatch(/2J.*one.*TWO/s);
    halt(true);
    screen.draw(['ONE', 'TWO']);
    halt(false);
    screen.draw(['ONE', 'two']);
    expect(written.at(-1)).toMatch(/;1HONE.*;1Htwo/s);
    screen.leave();
  });

  it('is given back once: cursor, wrapping and the ordinary screen', () => {
    const { written, screen } = terminal();
    const listeners = process.listenerCount('exit');
    screen.enter();
    screen.draw(['one']);
    screen.leave();
    screen.leave();
    expect(written).toHaveLength(2);
    expect(written[0]?.startsWith('\x1b[?1049h\x1b[?25l\x1b[?7l')).toBe(true);
    expect(written[1]).toBe('\x1b[?7h\x1b[?25h\x1b[?1049l');
    expect(process.listenerCount('exit')).toBe(listeners);
  });
});
