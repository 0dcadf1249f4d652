/** The counters queue by queue. */
import { count } from './human.js';
import { PASSED } from './passed.js';
import type { KernelCounts, Snapshot } from './snapshot.js';
import type { Cell } from './table.js';

/** `queues 0:3, companion queue 4` */
export function queuesText({ queues, companion }: Snapshot): string {
  const numbers = queues.filter((queue) => !queue.companion).map(({ queue }) => queue);
  const [first, last] = [numbers[0], numbers.at(-1)];
  const range = first === last ? `queue ${first ?? 'none'}` : `queues ${first}:${last}`;
  return companion === undefined ? range : `${range}, companion queue ${companion}`;
}

/** One row per queue, the companion's last. */
export function perQueue({ queues }: Snapshot): Cell[][] {
  const head = ['queue', 'packets', 'cleared', 'unchanged', 'leaked', 'waiting', 'dropped'];
  return [
    head.map((text, i) => ({ text, style: i === 0 ? 'bold' : 'dim' })),
    ...queues.map((queue) => {
      const { counters, kernel } = queue;
      const unchanged = PASSED.reduce((sum, name) => sum + counters[name], 0);
      const dropped = kernel.state === 'held' ? kernel.queueDropped + kernel.userDropped : 0;
      return [
        { text: `  ${queue.queue}${queue.companion ? ' companion' : ''}` },
        { text: count(counters.packets) },
        { text: count(counters.cleared) },
        { text: count(unchanged) },
        { text: count(counters.leaked), style: alarm(counters.leaked) },
        { text: waiting(kernel) },
        { text: kernel.state === 'held' ? count(dropped) : '', style: alarm(dropped) },
      ];
    }),
  ];
}

function alarm(value: number): Cell['style'] {
  return value > 0 ? 'red' : undefined;
}

function waiting(kernel: KernelCounts): string {
  switch (kernel.state) {
    case 'held':
      return count(kernel.waiting);
    case 'other':
      return 'held by another';
    case 'unbound':
      return 'not bound';
    case 'unknown':
      return '?';
  }
}
