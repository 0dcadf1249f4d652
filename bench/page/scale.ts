/** The generated part of docs/scale.md. Pure. */
import { at, type Costs } from '../../src/capacity/cost.js';
import { type Compared, type Errors, relativeError } from '../../src/capacity/error.js';
import { MIXES } from '../../src/capacity/mixes.js';
import { type Advice, adviceFor, breakEven, needs, QUEUES_MOST, reach } from '../../src/capacity/needs.js';
import { predict } from '../../src/capacity/predict.js';
import { bridges } from '../../src/capacity/room.js';
import type { ModelResults } from '../record/model.js';
import { machineText } from './machine.js';
import { scaleCharts } from './scale-charts.js';
import { errorsIn, type Judged, judged } from './scale-model.js';
import { coalesceTable, hashTable, paceTable, queuesTable } from './scale-simulation.js';
import { markdownTable } from './table.js';
import { bitRate, nanoseconds, percent, quantity } from './units.js';

/** The newest run for the model. */
interface Newest {
  file: string;
  results: ModelResults;
}

/** What stands between the marks of the page. */
export function scaleFigures(newest: Newest | undefined): string {
  if (newest === undefined) return 'No complete run for the model is recorded in `bench/results` yet.';
  const { file, results } = newest;
  const model = judged(results);
  const { costs, points } = model;
  return [
    about(file, results),
    ...scaleCharts(model).map(({ name, title }) => `![${title}](scale/${name})`),
    '## What a packet costs',
    costTable(costs),
    '## How far it is off',
    errorTable(model),
    'The points that the model had not seen, one by one:',
    heldOutTable([...model.rates['held out']], quantity),
    'The same of the processor time of clear-df for each packet; from a backlog, all batches are full:',
    heldOutTable([...model.clearing['held out'], ...model.clearing.backlog], nanoseconds),
    '## What one queue takes',
    queueTable(costs),
    '## From where on in the kernel',
    `Up to what link of these packets one queue is enough, then up to what link ${QUEUES_MOST} queues are; beyond that, the kernel. No thread is busier than 80 %, and of several queues the busiest gets 1.3 times its share.`,
    reachTable(costs),
    '## What a router needs',
    needsTable(costs),
    '## The simulation, against runs at a pace',
    'Each pair: measured, simulated. Clear-df, 1400 bytes, DF in all packets.',
    paceTable(costs, points, results.settings.seconds),
    '## Uneven hashes',
    'How many times its share the busiest queue gets; 95 of 100 hashes stay below it. All flows have one rate.',
    hashTable(),
    '## Many queues',
    'Simulated: 1400 bytes, DF in all packets, at 80 % of what the queues could take if they got the same.',
    queuesTable(costs, points),
    '## `--coalesce`',
    'Simulated: one queue, 1400 bytes, DF in all packets, coming at random.',
    coalesceTable(costs, points),
  ].join('\n\n');
}

function about(file: string, { date, commit, machine, settings }: ModelResults): string {
  const { rounds, seconds, cores } = settings;
  return `Measured on ${date.slice(0, 10)} at commit \`${commit}\`: ${machineText(machine)}. ${rounds} rounds, ${seconds} s each; the sender and the receiving half of the router on core ${cores.sender}, clear-df on ${cores.contender.join(', ')}. Medians of the rounds. All that was measured: [${file}](../${file}).`;
}

function costTable(costs: Costs): string {
  const { forward, queue, clear, match, look, fastPath, wake, batching, waking } = costs;
  const line = (name: string, whose: string, cost: Costs['forward']): string[] => [
    ...[name, whose, nanoseconds(cost.fixed), `${cost.perByte.toFixed(3)} ns`],
    ...[64, 1500].map((length) => nanoseconds(at(cost, length))),
  ];
  const flat = (name: string, whose: string, value: number): string[] => [name, whose, nanoseconds(value), '', '', ''];
  const [receiving, thread] = ['receiving core', "queue's thread"];
  return markdownTable(
    ['', 'whose time', 'each', 'a byte', '64 bytes', '1500 bytes'],
    [
      line('forward', receiving, forward),
      line('queue', receiving, queue),
      line('clear', thread, clear),
      flat('match: the rule where DF is not set', receiving, match),
      flat('look: the fast path, where DF is not set', receiving, look),
      flat('fast path: it clears DF', receiving, fastPath),
      flat('a batch', receiving, batching),
      flat('waking up, and the batch then', thread, wake),
      flat('waking it', receiving, waking),
    ],
  );
}

function errorTable({ rates, clearing }: Judged): string {
  const row = (name: string, errors: Errors | undefined): string[][] =>
    errors === undefined
      ? []
      : [[name, String(errors.count), percent(errors.median), percent(errors.worst), errors.worstWhat]];
  return markdownTable(
    ['', 'points', 'median', 'worst', 'which'],
    [
      ...row('packets/s, fitted to', errorsIn(rates.fit)),
      ...row('packets/s, **held out**', errorsIn(rates['held out'])),
      ...row('CPU / packet, fitted to', errorsIn(clearing.fit)),
      ...row('CPU / packet, **held out**', errorsIn(clearing['held out'])),
      ...row('CPU / packet, from a backlog', errorsIn(clearing.backlog)),
    ],
  );
}

function heldOutTable(compared: readonly Compared[], words: (value: number) => string): string {
  const rows = compared.map((one) => {
    const error = relativeError(one);
    return [
      one.what,
      words(one.measured),
      words(one.predicted),
      `${error > 0 ? '+' : ''}${(100 * error).toFixed(1)} %`,
    ];
  });
  return markdownTable(['', 'measured', 'predicted', 'off by'], rows);
}

const SHARES = [1, 0.5, 0.1] as const;

function queueTable(costs: Costs): string {
  const rows = MIXES.flatMap(({ name, mix }) =>
    SHARES.map((df) => {
      const load = { mix, df };
      const found = predict(costs, load, { cores: 2, receiving: 1, queues: 1 });
      const { packetsPerSecond, bytesPerSecond, limit } = found;
      return [
        name,
        percent(df),
        `${quantity(packetsPerSecond)}/s`,
        bitRate(bytesPerSecond),
        limit,
        nanoseconds(1e9 * bridges(load, packetsPerSecond)),
      ];
    }),
  );
  return markdownTable(['packets of', 'DF in', 'packets', 'IP', 'limit', 'a stall that fills the buffer'], rows);
}

function reachTable(costs: Costs): string {
  const rows = MIXES.flatMap(({ name, mix }) =>
    SHARES.map((df) => {
      const [one, most] = [1, QUEUES_MOST].map((queues) => reach(costs, { mix, df }, queues));
      return [name, percent(df), ...[one, most].map((bits = 0) => bitRate(bits / 8))];
    }),
  );
  return markdownTable(['packets of', 'DF in', 'one queue', `${QUEUES_MOST} queues`], rows);
}

const ANSWERS: Readonly<Record<Advice, string>> = {
  none: 'nothing to clear',
  'one queue': 'one queue',
  queues: 'several queues',
  kernel: '**in the kernel**',
  cores: 'more cores',
};

function needsTable(costs: Costs): string {
  const rows = [10, 25, 100].flatMap((gbps) =>
    MIXES.flatMap(({ name, mix }) =>
      [1, 0.1].map((df) => {
        const load = { mix, df };
        const found = needs(costs, load, gbps);
        return [
          ...[`${gbps} Gbit/s`, name, percent(df), `${quantity(found.packetsPerSecond)}/s`, String(found.queues)],
          ...[found.cores, found.fastPathCores, found.tunnelFlagCores].map(String),
          ...[ANSWERS[adviceFor(found)], `${quantity(breakEven(costs, load))}/s`],
        ];
      }),
    ),
  );
  const head = [
    'link',
    'packets of',
    'DF in',
    'packets',
    'queues',
    'cores',
    'by the fast path',
    'by ignore-df',
    'answer',
  ];
  return markdownTable([...head, 'one core more for each'], rows);
}
