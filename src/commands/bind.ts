/** From the options to bound queues: the mangler's share of a run. */
import { ClearDfError } from '../errors.js';
import { holderOf, readKernelQueues } from '../host/read/queues.js';
import type { Logger } from '../log.js';
import { ClearDf, type OpenOptions } from '../mangler.js';
import { rangeText } from '../net/queue-range.js';
import type { ServiceOptions } from './options.js';
import { requireNetAdmin } from './rights.js';
import type { RulePlan } from './rule-keeper.js';

/**
 * Looks before anything is changed whether this process may bind a queue.
 * @throws ClearDfError PRIVILEGE without CAP_NET_ADMIN; where `/proc` cannot tell, the kernel will
 */
export function requirePrivilege(log: Logger): void {
  const table = readKernelQueues();
  if (table.state === 'unknown' && table.reason === 'proc-not-mounted') {
    const hint = 'mount -t proc proc /proc';
    log.warn({ hint }, `${table.detail}: what the kernel drops, and who holds which queue, will not be known`);
  }
  const hint = 'run it as root, or give the service AmbientCapabilities=CAP_NET_ADMIN; --dry-run needs neither';
  requireNetAdmin(['run', 'clear-df'], hint);
}

/**
 * What {@link ClearDf.open} is asked for.
 * @param neverLocal whether it is vouched that no packet of the queue is delivered to this host
 */
export function openOptions(options: ServiceOptions, neverLocal: boolean): OpenOptions {
  const { queue, identification, gso, companion } = options;
  const lengths = {
    companion,
    queueLength: options['queue-length'],
    receiveBuffer: options['receive-buffer'],
    copyRange: options['copy-range'],
    batch: options.batch,
    coalesce: options.coalesce,
  };
  return {
    queues: rangeText(queue),
    identification,
    gso: gso !== 'off',
    failOpen: options['fail-open'],
    neverLocal,
    ...Object.fromEntries(Object.entries(lengths).filter(([, value]) => value !== undefined)),
  };
}

/**
 * Binds the queues.
 * @throws ClearDfError as {@link ClearDf.open}; CONFLICT names the holder's port id, and its process where it shows
 */
export async function bindQueues(options: ServiceOptions, neverLocal: boolean): Promise<ClearDf> {
  try {
    return await ClearDf.open(openOptions(options, neverLocal));
  } catch (error) {
    throw error instanceof ClearDfError && error.code === 'CONFLICT' ? nameHolder(error) : error;
  }
}

function nameHolder(error: ClearDfError): ClearDfError {
  const queue = Number(/\d+$/.exec(error.object ?? '')?.[0]);
  const holder = holderOf(queue);
  if (holder.state !== 'held') return error;
  const { portId, process } = holder;
  const who = process === undefined ? 'a process that does not show here' : `process ${process.pid} (${process.name})`;
  return new ClearDfError({
    ...error,
    reason: `it is held by port id ${portId}, ${who}`,
    hint: `${process === undefined ? 'stop that program' : `stop process ${process.pid}`}, or choose another --queue`,
    cause: error,
  });
}

/**
 * Whether no GSO packet of the queue is delivered to this host: the operator says so, or the rules leave such
 * packets out. At other hooks than prerouting the mangler notices, whoever's rule sent the packet.
 */
export function vouched({ gso, rules }: ServiceOptions, plan: RulePlan | undefined): boolean {
  const forwarded = rules.some(({ hook }) => hook === 'prerouting');
  return gso === 'on' || (gso === 'auto' && forwarded && plan?.result.neverLocal === true);
}
