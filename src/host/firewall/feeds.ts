/** Which queues an instance's rules feed, and who holds those queues. */
import { ClearDfError } from '../../errors.js';
import { type QueueRange } from '../../net/queue-range.js';
import { type ListedRule, listRules } from '../firewall.js';
import { type Runner } from '../exec.js';
import { type Holder, holderOf } from '../read/queues.js';
import { type Backend } from './backends.js';

/** A rule that sends packets to a queue that some process holds. */
interface LiveFeed {
  backend: Backend;
  /** All queues of the rule. */
  queues: QueueRange;
  /** The one that is held. */
  queue: number;
  holder: Extract<Holder, { state: 'held' }>;
}

/** The queues of a rule as iptables-save or nft print it. */
export function queuesOf(rule: string): QueueRange | undefined {
  const pattern = /(?:--queue-num |--queue-balance |\bqueue (?:flags \S+ )?(?:num|to) )(\d+)(?:[:-](\d+))?/;
  const [, first, last] = pattern.exec(rule) ?? [];
  return first === undefined ? undefined : { first: Number(first), last: Number(last ?? first) };
}

/** The first held queue of each rule of an instance; none when no rules can be read at all. */
export async function liveFeeds(runner: Runner, name: string): Promise<LiveFeed[]> {
  const rules = await readable(runner);
  return rules.flatMap(({ name: owner, rule, backend }) => {
    const queues = owner === name ? queuesOf(rule) : undefined;
    if (queues === undefined) return [];
    for (let queue = queues.first; queue <= queues.last; queue += 1) {
      const holder = holderOf(queue);
      if (holder.state === 'held') return [{ backend, queues, queue, holder }];
    }
    return [];
  });
}

async function readable(runner: Runner): Promise<ListedRule[]> {
  try {
    return (await listRules(runner)).rules;
  } catch (error) {
    // Without rights, or tools, nothing can be taken from anyone; whatever the caller does next will say so.
    if (error instanceof ClearDfError && (error.code === 'PRIVILEGE' || error.code === 'ENVIRONMENT')) return [];
    throw error;
  }
}

/** Why rules that someone else needs are left alone, with the holder's process as far as it shows. */
export function feedText({ backend, queue, holder: { portId, process } }: LiveFeed): string {
  const holder = `port id ${portId}${process === undefined ? '' : `, process ${process.pid} (${process.name}),`}`;
  return `rules of this name (${backend}) feed queue ${queue}, which ${holder} holds`;
}
