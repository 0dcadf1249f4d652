/** The process in the foreground of an earlier `up`, when the file has been edited: it goes on, or another takes its place. */
import { ClearDfError } from '../../errors.js';
import { type ProcessIdentity, serviceOf } from '../../host/process.js';
import type { OpenTunnel } from '../../host/tunnel/open.js';
import { isWatched } from '../../tunnel/item.js';
import type { Facts } from '../../tunnel/facts.js';
import type { Plan } from '../../tunnel/plan.js';
import { runningMangler } from './mangler.js';

/** What becomes of the process that runs for a tunnel. */
export interface Takeover {
  /** It has nothing to do otherwise, and goes on. */
  keeps: boolean;
  /** To be ended. */
  replaces: ProcessIdentity | undefined;
  /** Before anything is changed: it holds what the new one needs. */
  first: boolean;
}

/**
 * @param setupOnly nothing may take its place
 * @throws ClearDfError CONFLICT where it has to be ended and may not, or belongs to a service
 */
export function takeover({ plan, journal, former, machine }: OpenTunnel, setupOnly: boolean): Takeover {
  const running = former === undefined ? undefined : runningMangler(journal);
  if (running === undefined) return { keeps: false, replaces: undefined, first: false };
  if (former?.plan !== undefined && task(former.plan, machine.facts) === task(plan, machine.facts)) {
    return { keeps: true, replaces: undefined, first: false };
  }
  refuseReplacing(plan, running, setupOnly);
  return { keeps: false, replaces: running, first: plan.socket !== undefined };
}

/** Everything of a plan that a running process goes by; of what it restores also how: a guard's words are not all of it. */
function task({ site, mangler, socket, items }: Plan, facts: Facts): string {
  const { name, queues, fanout, identification, metrics, carrier, underlay, remote } = site;
  return JSON.stringify([
    { mangler, socket },
    mangler === undefined ? [] : [name, queues, fanout, identification, metrics],
    carrier.type === 'tun' ? [underlay, remote] : [],
    items.filter(({ kind }) => isWatched(kind)).map((item) => [item.key, item.desired, item.apply(facts)]),
  ]);
}

function refuseReplacing(plan: Plan, { pid }: ProcessIdentity, setupOnly: boolean): void {
  const { name, file } = plan.site;
  const service = serviceOf(pid);
  const foreign = service !== undefined && service !== serviceOf(process.pid);
  if (!foreign && !setupOnly) return;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: 'change tunnel',
    object: `${name} (${file})`,
    reason: `process ${pid}${service === undefined ? '' : `, service ${service},`} runs for the earlier version of the file, and cannot go on with this one`,
    hint:
      service === undefined
        ? `nothing was changed; clear-df tunnel up ${file} takes its place`
        : `nothing was changed; systemctl restart ${service} changes the tunnel while it stays up`,
  });
}

/** What frames that costs, in words. */
export function takeoverCuts({ replaces, first }: Takeover, { plan, former }: OpenTunnel): string[] {
  if (replaces === undefined) return [];
  const end = `process ${replaces.pid}, which runs for this tunnel, is ended`;
  if (first) return [`${end}, and this one takes the UDP socket: no frame arrives meanwhile`];
  if (plan.mangler === undefined || former?.plan?.mangler === undefined) return [];
  return [`${end}, and this one takes the queue: full-size frames are lost meanwhile`];
}
