import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { barChart } from '../../bench/page/bars.js';
import { charts } from '../../bench/page/charts.js';
import { placed } from '../../bench/page/page.js';
import { CHARTS, SCALE_CHARTS, SCALE_PAGE, pageFiles, readResults } from '../../bench/page/write.js';
import { CONTENDERS, LOADS } from '../../bench/record/catalogue.js';
import { resultsText } from '../../bench/record/results.js';
import { sampleCell, sampleResults } from './bench-samples.js';

const EMPTY =
  '<!-- figures: made by npm run bench of bench/results; a test fails when they differ -->\n<!-- figures: end -->\n';

const page = (results = sampleResults()): string => placed(EMPTY, { file: 'bench/results/x.json', results });

describe('docs/bench.md, docs/scale.md and their charts', () => {
  test('are made of the newest results', () => {
    const files = pageFiles();
    expect(files.has(SCALE_PAGE)).toBe(true);
    for (const [file, text] of files) expect(readFileSync(file, 'utf8')).toBe(text);
    const drawn = [CHARTS, SCALE_CHARTS].flatMap((folder) =>
      existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [],
    );
    expect(drawn.filter((file) => !files.has(file))).toEqual([]);
  });

  test('every recorded run is complete: each contender and load that it knew, in every round', () => {
    for (const { results } of readResults()) {
      const [loads, known] = (['load', 'contender'] as const).map((key) => new Set(results.cells.map((c) => c[key])));
      const rounds = Array.from({ length: results.settings.rounds }, (_, i) => i + 1);
      expect(rounds.length).toBeGreaterThanOrEqual(5);
      for (const { name, contenders } of LOADS.filter((load) => loads?.has(load.name))) {
        for (const contender of contenders.filter((one) => known?.has(one))) {
          const found = results.cells.filter((cell) => cell.load === name && cell.contender === contender);
          expect(found.map(({ round }) => round)).toEqual(rounds);
        }
      }
    }
  });
});

describe('the page', () => {
  test('shows medians with their spread, and ratios of the same round', () => {
    const text = page();
    // Three rounds with 100 k, 200 k and 300 k packets per CPU-second, the null verdict with 400 k in each.
    expect(text).toContain('| clear-df | 200 k (100 k – 300 k) | 0.500 × |');
    expect(text).toContain('| null verdict | 400 k |');
    expect(text).toContain(
      '| UDP, 64 bytes | 0.500 × | packets per CPU-second of the null verdict | 0.250 – 0.750 | 0.750 × |',
    );
  });

  test('shows which contender ended unasked, at what it survived, and what came of its end', () => {
    const results = sampleResults();
    results.cells.push(
      sampleCell({ contender: 'article', packets: 30_000, ended: { reason: 'ENOBUFS', after: 0.25 } }),
      sampleCell({ contender: 'article', load: 'udp-64-survived', packets: 100_000 }),
    );
    const text = page(results);
    expect(text).toContain("| the article's way \\* | 100 k |");
    expect(text).toContain("| the article's way, ended | 30.0 k |");
    expect(text).toContain(
      "\\* the article's way ended by itself in 1 of 1 rounds: ENOBUFS, 0.25 s after the load began.",
    );
    // Only the first round has both: 100 k of each.
    expect(text).toContain(
      "| UDP, 64 bytes | 1.00 × | packets per CPU-second of the article's way | 1.00 – 1.00 | 3.00 × |",
    );
  });

  test('says so when nothing is recorded yet, and keeps what stands around its figures', () => {
    const around = `before\n${EMPTY}after\n`;
    const text = placed(around, undefined);
    expect(text).toMatch(/^before\n<!--.*-->\n\nNo complete run is recorded .*\n\n<!--.*-->\nafter\n$/);
    expect(placed(text, undefined)).toBe(text);
    expect(() => placed('nothing', undefined)).toThrow(/has no '<!-- figures/);
  });
});

describe('a file of results', () => {
  test('has a line for each cell, and is read back as it was', () => {
    const results = sampleResults();
    const text = resultsText(results);
    expect(JSON.parse(text)).toEqual(results);
    expect(text.split('\n').filter((line) => line.includes('"load"'))).toHaveLength(results.cells.length);
    const none = { ...results, cells: [] };
    expect(JSON.parse(resultsText(none))).toEqual(none);
  });
});

describe('charts', () => {
  const svgs = charts(sampleResults()).map(({ svg }) => svg);

  test('are drawn for what has figures', () => {
    expect(charts(sampleResults()).map(({ name }) => name)).toEqual(['cpu.svg', 'kernel.svg', 'latency.svg']);
  });

  test('bring their own paper and ink for light and dark, and fetch nothing', () => {
    for (const svg of svgs) {
      expect(svg).toContain('@media (prefers-color-scheme: dark)');
      expect(svg).toContain('<rect class="paper"');
      expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|@import|<image/);
    }
  });

  test('are as long as their figures say', () => {
    const bar = (median: number) => ({
      label: 'a & b',
      ink: 'ours' as const,
      figure: String(median),
      spread: { median, min: median / 2, max: median, rounds: 5 },
    });
    const svg = barChart('title', 'note', [{ title: 'panel', bars: [bar(100), bar(50)] }]);
    const widths = [...svg.matchAll(/<rect class="ours"[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(widths).toHaveLength(2);
    expect((widths[1] as number) * 2).toBeCloseTo(widths[0] as number, 0);
    expect(svg).toContain('a &amp; b');
  });
});

describe('the catalogue', () => {
  test('names nobody twice, and every contender has a load', () => {
    for (const list of [CONTENDERS, LOADS]) {
      const names = list.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
    }
    const busy = new Set<string>(LOADS.flatMap(({ contenders }) => contenders));
    expect(CONTENDERS.map(({ name }) => name).filter((name) => !busy.has(name))).toEqual([]);
  });

  test('a load at a pace comes after the one whose share it is', () => {
    for (const [at, load] of LOADS.entries()) {
      if (load.kind !== 'datagrams' || load.latency === undefined) continue;
      const { of } = load.latency;
      const base = LOADS.findIndex(({ name }) => name === of);
      expect(base).toBeGreaterThanOrEqual(0);
      expect(base).toBeLessThan(at);
      expect(LOADS[base]?.contenders).toEqual(expect.arrayContaining([...load.contenders]));
    }
  });
});
