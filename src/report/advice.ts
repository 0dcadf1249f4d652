/** What went wrong by the numbers of a snapshot, in plain words, and what to do about it. */
import { bytes, count, percent, perSecond } from './human.js';
import type { Rates } from './rates.js';
import { type Snapshot, share } from './snapshot.js';

interface Advice {
  /** What was seen. */
  seen: string;
  /** What to do next. */
  remedy: string;
}

/** What it means that the kernel refused a best-effort setting. */
const WITHOUT: Readonly<Record<string, string>> = {
  'receive-buffer': 'bursts overflow the buffer sooner; give CAP_NET_ADMIN, or raise sysctl net.core.rmem_max',
  'send-buffer': 'verdicts go out in smaller batches; give CAP_NET_ADMIN, or raise sysctl net.core.wmem_max',
  'fail-open': 'packets are dropped, not passed unchanged, when the receive buffer is full',
  gso: 'the kernel cuts GSO packets into segments before it queues them, which costs throughput',
  'queue-length': "the kernel's own queue length of 1024 packets holds",
};

/** What a person should know and do; empty when all is well. */
export function adviceOn(snapshot: Snapshot, rates?: Rates): Advice[] {
  return [...onLosses(snapshot, rates), ...onQueues(snapshot), ...onSettings(snapshot)];
}

/** How many packets each cause took. What only the kernel has counted yet is known by where it dropped them. */
function causes({ totals, queues, settings }: Snapshot) {
  const held = queues.flatMap(({ kernel }) => (kernel.state === 'held' ? [kernel] : []));
  const failOpen = settings.some(
    ({ setting, value, refused }) => setting === 'fail-open' && value !== 0 && refused === undefined,
  );
  const queueFull = Math.max(totals.queueFull, sum(held.map(({ queueDropped }) => queueDropped)));
  const full = Math.max(totals.overrun - totals.queueFull, sum(held.map(({ userDropped }) => userDropped)));
  // With fail-open the kernel drops in an overload only.
  const overload = failOpen ? full : Math.min(totals.overload, full);
  return { overload, bufferFull: full - overload, queueFull };
}

/** The third cause; as long as every verdict was taken it was none. */
function verdictsLost(refused: number): string {
  return refused === 0 ? '' : ', or could not be handed back edited';
}

function onLosses(snapshot: Snapshot, rates: Rates | undefined): Advice[] {
  const { totals, queues, settings, leakedShare } = snapshot;
  const { overload, bufferFull, queueFull } = causes(snapshot);
  const now = (rate: number | undefined) => (rate !== undefined && rate > 0 ? `, ${perSecond(rate)} just now` : '');
  const buffer = settings.find(({ setting }) => setting === 'receive-buffer')?.value;
  const larger = `raise --receive-buffer${buffer === undefined ? '' : ` (now ${bytes(buffer)})`}`;
  const stall = `${larger}, or see what kept the process from its CPU`;
  const narrow = 'let the rules keep packets that need no work in the kernel (clear-df rules install does)';
  const lost = (packets: number) => `${count(packets)} packets (${percent(share(packets, totals.packets + packets))}`;
  const list: Advice[] = [];
  if (totals.leaked > 0) {
    list.push({
      seen:
        `${count(totals.leaked)} packets (${percent(leakedShare)}${now(rates?.counters.leaked)}) went on unchanged: ` +
        'a stall or a burst filled the receive buffer, and fail-open let them through; or they came while the queue ' +
        `was being bound${verdictsLost(totals.verdictErrors)}`,
      remedy: `${stall}; ${spread(queues)}; or ${narrow}; the log tells the causes apart`,
    });
  }
  if (overload > 0) {
    list.push({
      seen:
        `the kernel dropped ${lost(overload)}${now(rates?.counters.overload)}): ` +
        'overload, they came faster than one thread answers them',
      remedy: `${spread(queues)}, or ${narrow}; a larger receive buffer is no help`,
    });
  }
  if (bufferFull > 0) {
    const rate = rates && rates.counters.overrun - rates.counters.overload - rates.counters.queueFull;
    list.push({
      seen:
        `the kernel dropped ${lost(bufferFull)}${now(rate)}): ` +
        'a stall or a burst filled the receive buffer, and fail-open was off',
      remedy: `${stall}; ${spread(queues)}; with fail-open on they would pass unchanged`,
    });
  }
  if (queueFull > 0) {
    list.push({
      seen:
        `the kernel dropped ${count(queueFull)} packets` +
        `${now(sum(rates?.queues.map((queue) => queue.queueDropped ?? 0) ?? []))}: ` +
        'the queue was full of packets waiting for a verdict (queue length)',
      remedy: `raise --queue-length, or ${spread(queues)}`,
    });
  }
  if (totals.requeueLost > 0) {
    list.push({
      seen:
        `${count(totals.requeueLost)} GSO packets${now(rates?.counters.requeueLost)} were lost on the way to the ` +
        'companion queue: this kernel does not segment one that begins a tracked connection',
      remedy: 'queue packets before connection tracking (table raw), or exempt them from it (notrack)',
    });
  }
  return list;
}

/** From this share of all packets on, the other queues of a range are no relief. */
const NEARLY_ALL = 0.9;

/** More queues are no help where one of several gets what comes: the kernel's hash is of addresses, a tunnel has two. */
function spread(queues: Snapshot['queues']): string {
  const own = queues.filter(({ companion }) => !companion);
  const total = sum(own.map(({ counters }) => counters.packets));
  const one = own.find(({ counters }) => share(counters.packets, total) >= NEARLY_ALL);
  if (own.length === 1 || one === undefined) return 'spread the load over more queues (--queue FIRST:LAST)';
  return (
    `spread the load by CPU (--fanout cpu for the rules, where several CPUs receive): queue ${one.queue} gets ` +
    `${percent(share(one.counters.packets, total))} of what comes to ${own.length} queues`
  );
}

function onQueues({ queues }: Snapshot): Advice[] {
  return queues.flatMap(({ queue, kernel }) => {
    switch (kernel.state) {
      case 'other':
        return [
          {
            seen: `queue ${queue} is held by port id ${kernel.portId}, which is not this clear-df`,
            remedy: 'stop the other program or choose another --queue',
          },
        ];
      case 'unbound':
        return [
          {
            seen: `queue ${queue} is not bound by any process: packets pass by the rules' bypass`,
            remedy: 'see the log for why the queue was lost; restart clear-df',
          },
        ];
      case 'held':
      case 'unknown':
        return [];
    }
  });
}

function onSettings({ settings }: Snapshot): Advice[] {
  const refusals = new Map<string, { setting: string; errno: string; queues: number[] }>();
  for (const { queue, setting, refused: errno } of settings) {
    if (errno === undefined) continue;
    const key = `${setting} ${errno}`;
    const { queues } = refusals.get(key) ?? { queues: [] };
    refusals.set(key, { setting, errno, queues: [...queues, queue] });
  }
  return [...refusals.values()].map(({ setting, errno, queues }) => ({
    seen: `the kernel refused ${setting} (${errno}) on queue ${queues.join(', ')}`,
    remedy: WITHOUT[setting] ?? 'clear-df works without it',
  }));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
