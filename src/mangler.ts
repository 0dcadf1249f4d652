/**
 * `ClearDf`: workers over a queue range. Opens, counts, reports rare faults,
 * closes. Packets stay in native code.
 */
import { EventEmitter } from 'node:events';
import { type Counters, fromBlock, merge } from './counters.js';
import { ClearDfError } from './errors.js';
import type { AttachedDevices, FastStats } from './fast-path/devices.js';
import {
  type IdentificationPolicy,
  type NativeMangler,
  type NativeOpenError,
  type NativeOptions,
  native,
} from './native.js';
import { errnoName } from './native/errno.js';
import {
  BATCH_MAX,
  COALESCE_MAX,
  COPY_RANGE_MAX,
  IDENTIFICATION_POLICIES,
  type OpenOptions,
  parseOpenOptions,
  policyError,
} from './mangler/options.js';
import { queueName, rangeText } from './net/queue-range.js';

export { BATCH_MAX, COALESCE_MAX, COPY_RANGE_MAX, IDENTIFICATION_POLICIES, type OpenOptions };

/** First and last queue number of a range, both included. */
export interface QueueRange {
  first: number;
  last: number;
}

/** Whether a best-effort or required setting took when a queue was bound. */
export interface Setting {
  queue: number;
  setting: string;
  required: boolean;
  value: number;
  /** The kernel's errno by name when it was refused. */
  refused?: string;
}

/** A rare event of a worker. */
export interface Fault {
  queue: number;
  kind: import('./native.js').NativeFault['kind'];
  errno?: string;
  /** Events of this kind since the last report of it. */
  count: number;
}

/** One queue's counters. */
export interface QueueStats {
  queue: number;
  /** The companion takes GSO packets segment by segment. */
  companion: boolean;
  counters: Counters;
}

/** Where identifications go fastest. */
export interface Busiest {
  destination: string;
  protocol: number;
  /** Identifications per second over the last window. */
  perSecond: number;
  /** Seconds until this pair has gone through all 65,535 identifications at that rate. */
  wrapSeconds: number;
}

/**
 * All counters summed over the queues, and each queue's own; `fastPath`, where it was asked for, has what the programs in
 * the kernel have counted: packets that they cleared never came to a queue.
 */
export type Stats = Counters & { queues: QueueStats[]; busiest?: Busiest; fastPath?: FastStats[] };

/** Queues that this copy of the module has open, only to say so when they are asked for again. */
const held = new Set<number>();

/** Workers over a queue range; holds the process alive until closed. */
export class ClearDf extends EventEmitter<{ fault: [Fault] }> {
  readonly #native: NativeMangler;
  #fastPath: AttachedDevices | undefined;
  readonly range: QueueRange;

  private constructor(options: NativeOptions) {
    super();
    this.range = { first: options.firstQueue, last: options.lastQueue };
    this.#native = new (native().Mangler)(options, ({ queue, kind, errno, count }) => {
      const fault: Fault = { queue, kind, count, ...(errno === 0 ? {} : { errno: errnoName(errno) }) };
      // Out of the native call, where what a listener throws would be swallowed.
      process.nextTick(() => this.emit('fault', fault));
    });
  }

  /**
   * Binds every queue of the range (and the companion, when GSO packets are taken whole)
   * and starts one native thread per queue. With `fastPath`, programs in the kernel clear what leaves by its devices, and
   * are taken away again by {@link close}.
   * @throws ClearDfError USAGE for a refused option, PRIVILEGE without CAP_NET_ADMIN, CONFLICT when
   * another process holds a queue, ENVIRONMENT when the kernel or the addon lacks something
   */
  static async open(options: OpenOptions): Promise<ClearDf> {
    const { first, last, companion, fastPath, ...rest } = parseOpenOptions(options);
    const opened = ClearDf.#bind({ ...rest, firstQueue: first, lastQueue: last, companion: companion ?? -1 });
    for (const { queue } of opened.ports) held.add(queue);
    if (fastPath === undefined) return opened;
    // Behind the queue, whose holder the programs of its name belong to. Loaded only where it is asked for, as its addon is.
    try {
      const { attachToDevices } = await import('./fast-path/devices.js');
      opened.#fastPath = attachToDevices(queueName(opened.range), fastPath.devices, rest.identification);
      return opened;
    } catch (error) {
      await opened.close();
      throw error;
    }
  }

  static #bind(options: NativeOptions): ClearDf {
    try {
      return new ClearDf(options);
    } catch (error) {
      const { firstQueue: first, lastQueue: last } = options;
      throw explainOpenFailure(error as NativeOpenError, rangeText({ first, last }));
    }
  }

  /** Which settings took and which the kernel refused, queue by queue. */
  get settings(): Setting[] {
    return this.#native
      .settings()
      .map(({ errno, ...setting }) => (errno === 0 ? setting : { ...setting, refused: errnoName(errno) }));
  }

  /** The companion queue's number, or undefined when GSO packets are not taken whole. */
  get companion(): number | undefined {
    const companion = this.#native.companion();
    return companion < 0 ? undefined : companion;
  }

  /** The netlink port id that holds each queue, as `/proc/net/netfilter/nfnetlink_queue` shows it. */
  get ports(): { queue: number; portId: number; threadId: number; companion: boolean }[] {
    return this.#native.ports();
  }

  /**
   * A reading of every counter. After {@link close} it accounts for every packet that the queues were offered:
   * `packets` (each with a verdict), `leaked`, and `overrun`, by cause.
   */
  stats(): Stats {
    const queues = this.#native
      .counters()
      .map(({ queue, companion, block }) => ({ queue, companion, counters: fromBlock(block) }));
    const busiest = this.#native.busiest();
    return {
      ...merge(queues.map(({ counters }) => counters)),
      queues,
      ...(busiest === undefined ? {} : { busiest: { ...busiest, wrapSeconds: 65_535 / busiest.perSecond } }),
      ...(this.#fastPath === undefined ? {} : { fastPath: this.#fastPath.stats() }),
    };
  }

  /** Change how identifications are given, from the next packet on. */
  setIdentification(policy: IdentificationPolicy): void {
    if (!IDENTIFICATION_POLICIES.includes(policy)) {
      throw policyError(policy);
    }
    this.#fastPath?.attach(policy);
    this.#native.setIdentification(policy);
  }

  /** Let new packets by, answer what is queued, unbind, join the threads. Safe to call at any time and twice. */
  async close(): Promise<void> {
    const queues = this.ports.map(({ queue }) => queue);
    await this.#native.close();
    this.#fastPath?.remove();
    // The last events of a thread are still on their way to this one: they are emitted before the close ends.
    await new Promise((resolve) => setImmediate(resolve));
    for (const queue of queues) held.delete(queue);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** @param queues those that were asked for; the kernel's answer may be about the companion, which comes first */
function explainOpenFailure(error: NativeOpenError, queues: string): unknown {
  if (typeof error.errno !== 'number') return error;
  const errno = errnoName(error.errno);
  const common = { operation: error.operation, object: `queue ${error.queue}`, errno, cause: error };
  switch (errno) {
    case 'EPERM':
      return new ClearDfError({
        ...common,
        code: 'PRIVILEGE',
        operation: 'bind',
        object: `queue ${queues}`,
        reason: 'the kernel requires CAP_NET_ADMIN',
        hint: 'run it as root, or give the service AmbientCapabilities=CAP_NET_ADMIN',
      });
    case 'EBUSY':
      return new ClearDfError({
        ...common,
        code: 'CONFLICT',
        reason: held.has(error.queue)
          ? 'this process holds it: a ClearDf that it opened before is not closed'
          : 'another process, worker thread or copy of clear-df holds it',
        hint: 'see /proc/net/netfilter/nfnetlink_queue (second column: port id), or choose another queue',
      });
    case 'ETIMEDOUT':
      return new ClearDfError({
        ...common,
        code: 'RUNTIME',
        reason: 'the kernel did not answer within a second',
        hint: 'start it again; if it stays so, see whether another process floods this one with netlink messages',
      });
    case 'EPROTONOSUPPORT':
    case 'EINVAL':
    case 'EOPNOTSUPP':
      return new ClearDfError({
        ...common,
        code: 'ENVIRONMENT',
        reason: 'this kernel has no nfnetlink_queue',
        hint: 'modprobe nfnetlink_queue',
      });
    default:
      return new ClearDfError({ ...common, code: 'RUNTIME', reason: 'the kernel refused' });
  }
}
