/** A range of netfilter queues, as `--queue N` or `--queue N:M` gives it. */
import { usageError } from '../errors.js';
import { UINT16_MAX } from './protocol.js';

/** Queues `first` to `last`, inclusive. */
export interface QueueRange {
  first: number;
  last: number;
}

/** A thread serves each queue: more of them than this are a slip of the pen. */
const QUEUES_MAX = 256;

export const QUEUE_RANGE_FORM = `N or N:M with 0 <= N <= M <= ${UINT16_MAX}, at most ${QUEUES_MAX} queues`;

/** Whether two numbers are a range of queues: whole, upwards, and not too many. */
export function isQueueRange({ first, last }: QueueRange): boolean {
  const whole = Number.isInteger(first) && Number.isInteger(last);
  return whole && first >= 0 && first <= last && last <= UINT16_MAX && last - first < QUEUES_MAX;
}

/**
 * Reads `N` or `N:M`, without leading zeros: some readers take those for octal.
 * @param option what gave the text, for the message
 * @throws ClearDfError USAGE with the accepted form
 */
export function parseQueueRange(text: string, option = '--queue'): QueueRange {
  if (/^\d+(:\d+)?$/.test(text) && /\b0\d/.test(text)) throw usageError(option, text, 'N or N:M without leading zeros');
  const [, from, to = from] = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(text) ?? [];
  const range = { first: Number(from), last: Number(to) };
  if (!isQueueRange(range)) throw usageError(option, text, QUEUE_RANGE_FORM);
  return range;
}

/** The name of what belongs to whoever holds these queues, and to no rules: one process at a time. */
export function queueName({ first }: QueueRange): string {
  return `queue-${first}`;
}

/** The text that {@link parseQueueRange} reads. */
export function rangeText({ first, last }: QueueRange): string {
  return first === last ? String(first) : `${first}:${last}`;
}
