/** The specs of one instance: they share their owner's name and its queues, and are installed together. */
import { type QueueRange } from '../net/queue-range.js';
import { type RuleSpec } from './spec.js';

export interface Instance {
  name: string;
  queues: QueueRange;
}

/**
 * Whose rules these are.
 * @throws TypeError when there are none, or when they are not of one instance: whoever made them is wrong, not a person
 */
export function instanceOf(specs: readonly RuleSpec[]): Instance {
  const [first, ...others] = specs;
  if (first === undefined) throw new TypeError('rules of an instance: there are none');
  const { name, queues } = first;
  for (const other of others) {
    const same = other.queues.first === queues.first && other.queues.last === queues.last;
    if (other.name === name && same) continue;
    const [one, two] = [first, other].map((spec) => `${spec.name} (queues ${spec.queues.first}-${spec.queues.last})`);
    throw new TypeError(`rules of an instance: they are of two, ${one} and ${two}`);
  }
  return { name, queues };
}
