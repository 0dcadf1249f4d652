/** What is going on now, queue by queue and device by device: for the live screen and the status page. */
import type { FastStats } from '../fast-path/fast-path.js';
import { short } from './human.js';
import { PASSED } from './passed.js';
import type { Rates } from './rates.js';
import type { QueueSnapshot, Snapshot } from './snapshot.js';

export interface Cell {
  text: string;
  alarm?: boolean;
}

export interface Table {
  /** Of the first column, then of those with figures, the most important first. */
  head: readonly string[];
  rows: readonly (readonly Cell[])[];
}

/** One row for each queue, its figures per second where the head says so. */
export function queueTable({ queues }: Snapshot, rates: Rates | undefined): Table {
  return {
    head: ['QUEUE', 'packets/s', 'waiting', 'leaked/s', 'dropped/s', 'cleared/s', 'passed/s'],
    rows: queues.map((queue) => {
      const rate = rates?.queues.find((candidate) => candidate.queue === queue.queue);
      const per = (value: number | undefined) => (value === undefined ? '-' : short(value));
      const leaked = rate?.counters.leaked;
      const dropped = droppedOf(rate);
      return [
        { text: `${queue.queue}${queue.companion ? ' companion' : ''}`, alarm: notOurs(queue) },
        { text: per(rate?.counters.packets) },
        waitingOf(queue),
        { text: per(leaked), alarm: (leaked ?? 0) > 0 },
        { text: per(dropped), alarm: (dropped ?? 0) > 0 },
        { text: per(rate?.counters.cleared) },
        { text: per(rate && PASSED.reduce((sum, name) => sum + rate.counters[name], 0)) },
      ];
    }),
  };
}

function droppedOf(rate: Rates['queues'][number] | undefined): number | undefined {
  if (rate?.queueDropped === undefined || rate.userDropped === undefined) return undefined;
  return rate.queueDropped + rate.userDropped;
}

function notOurs({ kernel }: QueueSnapshot): boolean {
  return kernel.state === 'other' || kernel.state === 'unbound';
}

function waitingOf(queue: QueueSnapshot): Cell {
  const { kernel } = queue;
  switch (kernel.state) {
    case 'held':
      return { text: short(kernel.waiting) };
    case 'other':
      return { text: 'taken', alarm: true };
    case 'unbound':
      return { text: 'not bound', alarm: true };
    case 'unknown':
      return { text: '?' };
  }
}

/** One row for each place of the fast path. */
export function placeTable({ fastPath }: Snapshot, rates: Rates | undefined): Table {
  const rateOf = (place: FastStats) =>
    rates?.fastPath.find(({ device, direction }) => device === place.device && direction === place.direction)?.counters;
  return {
    head: ['DEVICE', 'packets/s', 'cleared/s', 'no DF/s', 'queue/s', 'fits/s', 'failed'],
    rows: fastPath.map((place) => {
      const rate = rateOf(place);
      const per = (name: keyof FastStats['counters']) => ({ text: rate === undefined ? '-' : short(rate[name]) });
      const { failed } = place.counters;
      return [
        { text: place.direction === 'egress' ? place.device : `${place.device} in` },
        ...[per('packets'), per('cleared'), per('alreadyClear'), per('leftForQueue'), per('fits')],
        { text: short(failed), alarm: failed > 0 },
      ];
    }),
  };
}
