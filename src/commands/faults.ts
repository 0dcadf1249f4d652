/** A plain sentence for each rare event of a worker, and what to do about it. */
import type { Logger } from '../log.js';
import type { Fault } from '../mangler.js';

interface FaultText {
  level: 'info' | 'warn' | 'error';
  /** What happened, with the count where one belongs. */
  sentence: (count: number) => string;
  hint?: string;
}

const packets = (count: number) => (count === 1 ? '1 packet' : `${count} packets`);

export const FAULT_TEXT: Readonly<Record<Fault['kind'], FaultText>> = {
  leaking: {
    level: 'warn',
    sentence: (n) =>
      `${packets(n)} left with DF still set: a stall or a burst filled the receive buffer, and fail-open let them ` +
      'through, or they came while the queue was being bound',
    hint:
      'a line about a queue that was lost and bound again says so; else raise --receive-buffer, or see what kept the ' +
      'process from its CPU; --no-fail-open drops instead',
  },
  overload: {
    level: 'warn',
    sentence: (n) => `the kernel dropped ${packets(n)}: overload, they came faster than one thread answers them`,
    hint: 'spread the load with --queue N:M, or narrow the rules; a larger receive buffer is no help',
  },
  overrun: {
    level: 'warn',
    sentence: (n) =>
      `the kernel dropped ${packets(n)}: a stall or a burst filled the receive buffer, and fail-open is off`,
    hint: 'raise --receive-buffer, or see what kept the process from its CPU; with fail-open on they would pass unchanged',
  },
  'queue-full': {
    level: 'warn',
    sentence: (n) => `the kernel dropped ${packets(n)}: the queue was full of packets waiting for a verdict`,
    hint: 'raise --queue-length, or spread the load with --queue N:M',
  },
  'requeue-lost': {
    level: 'warn',
    sentence: (n) =>
      `${packets(n)} lost before the companion queue: this kernel does not segment a GSO packet that begins a ` +
      'tracked connection',
    hint: 'queue packets before connection tracking (table raw), or exempt them from it (notrack); --gso off is no help',
  },
  'receive-failed': {
    level: 'error',
    sentence: (n) => `receiving from the kernel failed ${n === 1 ? 'once' : `${n} times`}; the queue goes on`,
  },
  'verdict-refused': {
    level: 'warn',
    sentence: (n) => `the kernel refused ${n === 1 ? '1 verdict' : `${n} verdicts`}: those packets had left the queue`,
    hint: 'the kernel discards what waits when a device goes down, or a table or chain of nft is deleted (a firewall reload)',
  },
  'send-failed': {
    level: 'error',
    sentence: (n) => `sending verdicts failed ${n === 1 ? 'once' : `${n} times`}; it is tried again`,
  },
  'queue-lost': {
    level: 'error',
    sentence: () => 'the queue is no longer bound to this process; it is tried again until it can be taken back',
    hint: 'see who holds it: /proc/net/netfilter/nfnetlink_queue (second column: port id)',
  },
  'queue-regained': { level: 'info', sentence: () => 'the queue is bound to this process again' },
};

/** Log a fault as a sentence; the fields carry the queue, the kind, the count and the errno. */
export function logFault(log: Logger, fault: Fault): void {
  const { level, sentence, hint } = FAULT_TEXT[fault.kind];
  log[level]({ ...fault, ...(hint === undefined ? {} : { hint }) }, `queue ${fault.queue}: ${sentence(fault.count)}`);
}
