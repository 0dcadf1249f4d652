/** The charts of docs/scale.md. Pure. */
import type { Costs } from '../../src/capacity/cost.js';
import { expectedRate } from '../../src/capacity/expect.js';
import { MIXES } from '../../src/capacity/mixes.js';
import { needs } from '../../src/capacity/needs.js';
import { barChart } from './bars.js';
import type { Chart } from './charts.js';
import { type Curve, curveChart } from './curves.js';
import type { Judged } from './scale-model.js';
import { quantity } from './units.js';

const MOST = 1500;
const LENGTHS = Array.from({ length: 30 }, (_, i) => 50 + 50 * i);

const CURVES: readonly { label: string; way: 'none' | 'fast-path' | 'clear-df'; df: number; ink: Curve['ink'] }[] = [
  { label: 'no rule', way: 'none', df: 0, ink: 'limit' },
  { label: 'fast path, DF in 100 %', way: 'fast-path', df: 1, ink: 'ours' },
  { label: 'queue, DF in 10 %', way: 'clear-df', df: 0.1, ink: 'ours' },
  { label: 'queue, DF in 50 %', way: 'clear-df', df: 0.5, ink: 'ours' },
  { label: 'queue, DF in 100 %', way: 'clear-df', df: 1, ink: 'ours' },
];

function sizes({ costs, points }: Judged): Chart {
  const title = 'Packets a second against their size';
  const curves = CURVES.map(({ label, way, df, ink }): Curve => ({
    ...{ label, ink },
    line: LENGTHS.map((length) => ({ x: length, y: expectedRate(costs, { way, length, df }) })),
    circles: points
      .filter((point) => point.use === 'fit' && point.way === way && point.df === df)
      .map(({ length, rate }) => ({ x: length, y: rate })),
  }));
  const axes = { x: 'bytes, IP header included', xMost: MOST, xWords: String, yWords: quantity };
  const note = 'One core sends and receives, one clears. Circles: measured; lines: by the model.';
  return { name: 'sizes.svg', title, svg: curveChart(title, note, axes, curves) };
}

function cores(costs: Costs): Chart {
  const title = 'Cores that a link needs';
  const panels = [10, 25, 100].map((gbps) => ({
    title: `${gbps} Gbit/s, DF set in all packets`,
    bars: MIXES.flatMap(({ name, mix }) => {
      const { cores: ours, fastPathCores, tunnelFlagCores } = needs(costs, { mix, df: 1 }, gbps);
      const bar = (label: string, ink: 'ours' | 'limit', value: number) => ({
        ...{ label: `${name}, ${label}`, ink, figure: String(value) },
        spread: { median: value, min: value, max: value, rounds: 1 },
      });
      return [
        bar('queues', 'ours', ours),
        bar('fast path', 'ours', fastPathCores),
        bar('ignore-df', 'limit', tunnelFlagCores),
      ];
    }),
  }));
  const note = 'By the model, no core busier than 80 %, network cards not counted. Each panel has a scale of its own.';
  return { name: 'cores.svg', title, svg: barChart(title, note, panels) };
}

/** All of them. */
export function scaleCharts(model: Judged): Chart[] {
  return [sizes(model), cores(model.costs)];
}
