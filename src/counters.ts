/**
 * Every counter once: its name, unit and help. The same words appear in the C
 * core (`csrc/packet/packet.h`), in `clear-df stats` and `/stats` and, in snake case,
 * in the names and the `reason` label of `/metrics`.
 */

export interface CounterInfo {
  readonly unit: 'packets' | 'bytes' | 'events' | 'identifications';
  readonly help: string;
}

/** In the order of `CDF_COUNTERS` in `csrc/packet/packet.h`; the addon is refused when they differ. */
export const COUNTERS = {
  packets: { unit: 'packets', help: 'Packets seen, GSO packets counted once.' },
  bytes: {
    unit: 'bytes',
    help: 'Bytes of those packets from the IP header on, as long as they were before any truncation.',
  },
  batches: { unit: 'events', help: 'Receive calls that brought at least one packet.' },
  cleared: { unit: 'packets', help: 'Packets handed back with DF cleared.' },
  fragments: { unit: 'packets', help: 'Of those cleared, fragments, whose identification was kept.' },
  gso: { unit: 'packets', help: 'Of those cleared, GSO packets cleared whole.' },
  checksumFinished: { unit: 'packets', help: 'Of those cleared, packets whose TCP or UDP checksum was finished here.' },
  alreadyClear: { unit: 'packets', help: 'Passed unchanged: DF was clear.' },
  ahPassed: { unit: 'packets', help: 'Passed unchanged: AH authenticates an identification of 0.' },
  notIpv4: { unit: 'packets', help: 'Passed unchanged: IP version 6.' },
  malformed: { unit: 'packets', help: 'Passed unchanged: not a sound IPv4 header.' },
  truncated: { unit: 'packets', help: 'Passed unchanged: not all of the packet was captured.' },
  badChecksum: { unit: 'packets', help: 'Passed unchanged: the header checksum was wrong on arrival.' },
  unfinished: {
    unit: 'packets',
    help: 'Passed unchanged: a checksum left to the hardware cannot be finished safely here.',
  },
  requeued: {
    unit: 'packets',
    help: 'Sent on to the companion queue, where the kernel hands them over segment by segment.',
  },
  requeueLost: {
    unit: 'packets',
    help: 'Packets sent on to the companion queue that the kernel dropped before it.',
  },
  verdicts: { unit: 'packets', help: 'Packets answered with a verdict.' },
  verdictErrors: {
    unit: 'events',
    help: 'Verdicts that the kernel refused: the packet had left the queue, or memory was short.',
  },
  leaked: {
    unit: 'packets',
    help: 'Packets let through unchanged for lack of space: by fail-open when the receive buffer was full, while the queue was being bound, or because an edited one could not be sent.',
  },
  overrun: {
    unit: 'packets',
    help: 'Packets that the kernel dropped for lack of space, whatever the cause.',
  },
  overload: {
    unit: 'packets',
    help: 'Of those overrun, dropped in an overload: packets came faster than one thread answers them.',
  },
  queueFull: { unit: 'packets', help: 'Of those overrun, dropped because too many waited for a verdict.' },
  enobufs: { unit: 'events', help: 'ENOBUFS reports from the netlink socket.' },
  receiveErrors: { unit: 'events', help: 'Other receive errors and messages that could not be read.' },
  identifications: { unit: 'identifications', help: 'Identifications given out, runs for GSO packets included.' },
} as const satisfies Record<string, CounterInfo>;

/** Rare events of a worker, as it reports them besides counting; `csrc/queue/fault.h` has the same. */
export type FaultKind =
  | 'leaking'
  | 'overload'
  | 'overrun'
  | 'queue-full'
  | 'requeue-lost'
  | 'receive-failed'
  | 'verdict-refused'
  | 'send-failed'
  | 'queue-lost'
  | 'queue-regained';

export type CounterName = keyof typeof COUNTERS;

/** Names in the order of the native block. */
export const COUNTER_NAMES = Object.keys(COUNTERS) as CounterName[];

/** The counter's name as C and Prometheus spell it: `alreadyClear` → `already_clear`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** One reading of every counter. Numbers: exact up to 2^53. */
export type Counters = Record<CounterName, number>;

/** A reading of nothing. */
export function zeroCounters(): Counters {
  return Object.fromEntries(COUNTER_NAMES.map((name) => [name, 0])) as Counters;
}

/** The native block as named numbers. */
export function fromBlock(block: BigUint64Array): Counters {
  return Object.fromEntries(COUNTER_NAMES.map((name, i) => [name, Number(block[i] ?? 0n)])) as Counters;
}

/** The sum of several readings: all queues of a range. */
export function merge(readings: Iterable<Counters>): Counters {
  const sum = zeroCounters();
  for (const reading of readings) {
    for (const name of COUNTER_NAMES) sum[name] += reading[name];
  }
  return sum;
}

/** What was added from `before` to `after`; never negative, a restart counts from 0. */
export function delta(after: Counters, before: Counters): Counters {
  return Object.fromEntries(
    COUNTER_NAMES.map((name) => [name, after[name] >= before[name] ? after[name] - before[name] : after[name]]),
  ) as Counters;
}
