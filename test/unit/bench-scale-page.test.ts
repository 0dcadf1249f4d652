import { describe, expect, test } from 'vitest';
import { curveChart } from '../../bench/page/curves.js';
import { judged, medians } from '../../bench/page/scale-model.js';
import { scaleFigures } from '../../bench/page/scale.js';
import { readModels } from '../../bench/page/write.js';
import { type ModelPoint, MODEL_FORMAT, MODEL_TRIALS, type ModelResults, modelText } from '../../bench/record/model.js';
import { expectedRate } from '../../src/capacity/expect.js';
import { sampleResults } from './bench-samples.js';
import { COSTS, pointOf } from './capacity/samples.js';

/** A run on a machine whose costs are those of the samples, three rounds, the second one without noise. */
function sampleModel(): ModelResults {
  const { date, commit, machine, settings } = sampleResults();
  const points = [0.98, 1, 1.03].flatMap((noise, i) =>
    MODEL_TRIALS.map(({ use, way, length, df, queues, pace }): ModelPoint => {
      const share = df / 100;
      const pacing = df === 100 ? undefined : { batches: 1, wakes: df === 10 ? 0.8 : 0.2, woken: 0 };
      const point = pointOf(way, length, share, pacing);
      const rate = expectedRate(COSTS, { way, length, df: share });
      return {
        ...point,
        ...{ use, queues, round: i + 1, lost: 0, rate: rate * noise, receiving: point.receiving * noise },
        ...(point.clearing === undefined ? {} : { clearing: point.clearing * noise }),
        ...(pace === undefined ? {} : { pace, receiving: pace === 'full' ? 4000 : pace === 50 ? 6400 : 320_000 }),
      };
    }),
  );
  return { format: MODEL_FORMAT, date, commit, machine, settings, points };
}

// That page and charts are as recorded: the test of docs/bench.md says it of both.
describe('docs/scale.md', () => {
  test('every recorded run is complete: each trial in every round', () => {
    for (const { results } of readModels()) {
      const { rounds } = results.settings;
      expect(rounds).toBeGreaterThanOrEqual(3);
      expect(medians(results)).toHaveLength(MODEL_TRIALS.length);
      expect(results.points).toHaveLength(rounds * MODEL_TRIALS.length);
    }
  });
});

describe('the model of a run', () => {
  test('is fitted to the medians, and finds the costs behind them', () => {
    const { costs, points } = judged(sampleModel());
    // In the order of the catalogue, whatever order a round has drawn.
    const shuffled = [...sampleModel().points].reverse();
    expect(medians({ points: shuffled }).map(({ use, length }) => [use, length])).toEqual(
      MODEL_TRIALS.map(({ use, length }) => [use, length]),
    );
    expect(points).toHaveLength(MODEL_TRIALS.length);
    expect(costs.clear.fixed).toBeCloseTo(COSTS.clear.fixed, 1);
    expect(costs.queue.perByte).toBeCloseTo(COSTS.queue.perByte, 2);
    expect(costs.wake).toBeCloseTo(COSTS.wake, 0);
  });

  test('is judged by points that it was not fitted to', () => {
    const { rates, clearing } = judged(sampleModel());
    const key = ({ way, length, df }: { way: string; length: number; df: number }) => `${way} ${length} ${df}`;
    const fitted = new Set(MODEL_TRIALS.filter(({ use }) => use === 'fit').map(key));
    const unseen = MODEL_TRIALS.filter(({ use, queues }) => use === 'held out' && queues === 1);
    expect(unseen.length).toBeGreaterThanOrEqual(8);
    expect(unseen.filter((trial) => fitted.has(key(trial)))).toEqual([]);
    for (const { predicted, measured } of rates['held out']) expect(predicted / measured).toBeCloseTo(1, 3);
    expect(clearing.backlog).toHaveLength(3);
  });
});

describe('the page', () => {
  test('says so when nothing is recorded yet', () => {
    expect(scaleFigures(undefined)).toMatch(/^No complete run for the model is recorded/);
  });

  test('has a table for each question, and no figure that is none', () => {
    const text = scaleFigures({ file: 'bench/results/model-x.json', results: sampleModel() });
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
    for (const title of ['What a packet costs', 'How far it is off', 'What a router needs', 'Uneven hashes']) {
      expect(text).toContain(`## ${title}\n`);
    }
    // forward: 1000 + 0.1 × 1500.
    expect(text).toMatch(/\| forward \| receiving core \| (1000 ns|1.00 µs) \| 0.100 ns \| 1.01 µs \| 1.15 µs \|/);
    expect(text).toMatch(/\| packets\/s, \*\*held out\*\* \| 10 \| (< 0.01|0.0\d) % \|/);
  });

  test('a record is read back as it was, a line for each point', () => {
    const results = sampleModel();
    const text = modelText(results);
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(results)));
    expect(text.split('\n').filter((line) => line.includes('"receiving"'))).toHaveLength(results.points.length);
  });

  test('curves end where their figures say', () => {
    const axes = { x: 'bytes', xMost: 100, xWords: String, yWords: String };
    const line = [
      { x: 0, y: 50 },
      { x: 100, y: 100 },
    ];
    const svg = curveChart('title', 'note', axes, [{ label: 'a', ink: 'ours', line, circles: line.slice(1) }]);
    // 280 high from 60 on, 494 wide from 76 on: half way up at the left, at the top on the right.
    expect(svg).toContain('<path class="curve ours" d="M76 200L570 60"/>');
    expect(svg).toContain('<circle class="ours" cx="570" cy="60" r="3.5"/>');
    expect(svg).toContain('a: 50 at 0, 100 at 100');
  });
});
