/** The simulation's part of docs/scale.md: against the runs at a pace, then what two cores cannot show. Pure. */
import { at, type Costs } from '../../src/capacity/cost.js';
import { relativeError } from '../../src/capacity/error.js';
import { flowsNeeded, likelyImbalance } from '../../src/capacity/flows.js';
import { IMBALANCE } from '../../src/capacity/needs.js';
import { simulateQueue } from '../../src/capacity/simulate.js';
import { simulateRouter, summarize, type Summary } from '../../src/capacity/summary.js';
import { workerOf } from '../../src/capacity/worker.js';
import type { ModelPoint } from '../record/model.js';
import { markdownTable } from './table.js';
import { nanoseconds, percent, quantity } from './units.js';

const SEED = 6864;
const LENGTH = 1400;
/** Of arrivals. */
const SECONDS = 1;

/** From what wakes a thread until it runs: of the latency at 1 %, what its own work does not explain. */
function wakeDelayOf(costs: Costs, points: readonly ModelPoint[]): number {
  const added = addedAt(points.find(({ pace }) => pace === 1));
  return added === undefined ? 0 : Math.max(0, added.median - at(costs.clear, LENGTH) - costs.wake);
}

function addedAt(point: ModelPoint | undefined): { median: number; p99: number } | undefined {
  if (point?.latency === undefined) return undefined;
  const { seen, without } = point.latency;
  return { median: seen.median - without.median, p99: seen.p99 - without.p99 };
}

/** Simulated beside measured, at each pace. @param seconds that each was sent */
export function paceTable(costs: Costs, points: readonly ModelPoint[], seconds: number): string {
  const wakeDelay = wakeDelayOf(costs, points);
  const rows = points
    .filter(({ pace }) => pace !== undefined)
    .map((point) => {
      const { pace, clearing = NaN, wakes = NaN, rate, receiving, lost } = point;
      // As the sender sent it; what came through may be less.
      const offered = 1e9 / receiving;
      const worker = workerOf(costs, { length: LENGTH, wakeDelay });
      const found = summarize([simulateQueue({ kind: 'poisson', rate: offered }, worker, seconds, SEED)]);
      const error = relativeError({ what: '', predicted: found.cpuPerPacket, measured: clearing });
      const added = addedAt(point);
      return [
        pace === 'full' ? 'all that goes' : `${pace} %`,
        `${quantity(rate)}/s, ${quantity(found.packetsPerSecond)}/s`,
        `${nanoseconds(clearing)}, ${nanoseconds(found.cpuPerPacket)}`,
        `${error > 0 ? '+' : ''}${(100 * error).toFixed(1)} %`,
        `${wakes.toFixed(2)}, ${found.wakes.toFixed(2)}`,
        added === undefined ? '' : `${nanoseconds(added.median)}, ${nanoseconds(found.delay.median)}`,
        `${percent(lost)}, ${percent(found.lost)}`,
      ];
    });
  const head = ['pace', 'packets', 'CPU / packet', 'off by', 'wakes / packet', 'delay, median', 'lost'];
  return markdownTable(head, rows);
}

const QUEUES = [2, 4, 8, 16] as const;
const FLOWS = [16, 64, 256, 1024] as const;

/** How uneven a hash is. */
export function hashTable(): string {
  const rows = QUEUES.map((queues) => [
    String(queues),
    ...FLOWS.map((flows) => likelyImbalance(flows, queues, SEED).toFixed(2)),
    String(flowsNeeded(queues, IMBALANCE, SEED)),
  ]);
  const head = ['queues', ...FLOWS.map((flows) => `${flows} flows`), `flows for less than ${IMBALANCE}`];
  return markdownTable(head, rows);
}

/** Of what all queues could take if they got the same: the share that comes. */
const LOADED = 0.8;

/** Packets a second that a queue's thread takes at most. */
function capacityOf(costs: Costs): number {
  return 1e9 / at(costs.clear, LENGTH);
}

const simulated = ({ packetsPerSecond, lost, delay, cpuPerPacket, busiest }: Summary): string[] => [
  `${quantity(packetsPerSecond)}/s`,
  percent(lost),
  nanoseconds(delay.median),
  nanoseconds(delay.p99),
  nanoseconds(cpuPerPacket),
  percent(busiest),
];
const SIMULATED = ['packets', 'lost', 'delay, median', '99 %', 'CPU / packet', 'busiest thread'];

/** Several queues, each with a core of its own, at 80 % of what they could take. */
export function queuesTable(costs: Costs, points: readonly ModelPoint[]): string {
  const worker = workerOf(costs, { length: LENGTH, wakeDelay: wakeDelayOf(costs, points) });
  const rows = [1, ...QUEUES].flatMap((queues) =>
    (queues === 1 ? [1] : [16, 1024]).map((flows) => {
      const rate = LOADED * queues * capacityOf(costs);
      // Of one length for all: what a hash loads too much shows within it.
      const found = simulateRouter({ queues, flows, worker }, { kind: 'poisson', rate }, 0.25, SEED);
      return [String(queues), String(flows), ...simulated(found)];
    }),
  );
  return markdownTable(['queues', 'flows', ...SIMULATED], rows);
}

const COALESCE_US = [0, 20, 50, 100] as const;
const SHARES = [0.02, 0.1, 0.3, 0.6] as const;

/** What `--coalesce` saves, and what it takes. */
export function coalesceTable(costs: Costs, points: readonly ModelPoint[]): string {
  const wakeDelay = wakeDelayOf(costs, points);
  const rows = SHARES.flatMap((share) =>
    COALESCE_US.map((microseconds) => {
      const worker = workerOf(costs, { length: LENGTH, wakeDelay, coalesce: 1000 * microseconds });
      const rate = share * capacityOf(costs);
      const { delay, cpuPerPacket, busiest } = summarize([
        simulateQueue({ kind: 'poisson', rate }, worker, SECONDS, SEED),
      ]);
      return [
        `${100 * share} %`,
        microseconds === 0 ? 'off' : `${microseconds} µs`,
        nanoseconds(cpuPerPacket),
        percent(busiest),
        nanoseconds(delay.median),
        nanoseconds(delay.p99),
      ];
    }),
  );
  return markdownTable(['of what it can take', '`--coalesce`', 'CPU / packet', 'busy', 'delay, median', '99 %'], rows);
}
