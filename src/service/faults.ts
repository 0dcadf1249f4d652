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
    sentence: (n) => `${packets(n)} left with DF still set: the receive buffer was full and fail-open let them through`,
    hint: 'spread the load with --queue N:M, raise --receive-buffer, or narrow the rules; --no-fail-open drops instead',
  },
  overrun: {
    level: 'warn',
    sentence: (n) => `the kernel dropped ${packets(n)}: the receive buffer was full and fail-open is off`,
    hint: 'spread the load with --queue N:M, raise --receive-buffer, or narrow the rules',
  },
  'receive-failed': {
    level: 'error',
    sentence: (n) => `receiving from the kernel failed ${n === 1 ? 'once' : `${n} times`}; the queue goes on`,
  },
  'verdict-refused': {
    level: 'warn',
    sentence: (n) => `the kernel refused ${n === 1 ? '1 verdict' : `${n} verdicts`}: those packets had left the queue`,
    hint: 'this is usual when an interface goes down under load',
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
