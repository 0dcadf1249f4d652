/** One contender in the ring: started on its cores, its rule in place, everything taken back at the end. */
import { type Contender, queuesOf } from '../contenders/contender.js';
import { pinned, planCores } from '../lab/cores.js';
import type { Network } from '../lab/network.js';
import { resident } from '../lab/processor.js';
import { installRule, removeRule } from '../lab/rule.js';
import type { Cell, Cores, QueueLosses } from '../record/results.js';
import { queues } from '../../test/helpers/kernel.js';
import type { Running } from '../../test/helpers/running.js';

/** What `article` prints when it ends. */
interface Testament {
  answered: number;
  cpuSeconds: number;
  error: string;
}

export class Ring {
  private constructor(
    readonly network: Network,
    readonly contender: Contender,
    readonly cores: Cores,
    readonly running: Running | undefined,
  ) {}

  /** Undefined for what lives in the kernel. */
  get pid(): number | undefined {
    return this.running?.pid;
  }

  /** Starts the contender, then lets packets in. */
  static async enter(network: Network, contender: Contender): Promise<Ring> {
    const cores = planCores(queuesOf(contender));
    const { process } = contender;
    let running: Running | undefined;
    if (process !== undefined) {
      const [program, ...args] = pinned(cores.contender, await process.command());
      running = network.router.spawn(program, args);
      await running.says(process.ready, 60_000);
    }
    const ring = new Ring(network, contender, cores, running);
    try {
      await installRule(network.router, contender.rule);
    } catch (error) {
      await running?.stop('SIGKILL');
      throw error;
    }
    return ring;
  }

  /** Kibibytes that are resident; undefined without a process or after its end. */
  memory(): Cell['memory'] {
    return this.pid === undefined ? undefined : resident(this.pid);
  }

  /** What its queues have lost so far, and how many packets they took; undefined when there are none. */
  async queueLosses(): Promise<(QueueLosses & { waiting: number; taken: number }) | undefined> {
    if (this.contender.rule.kind !== 'queue') return undefined;
    const lines = await queues(this.network.router);
    if (lines.length === 0) return undefined;
    const sum = (pick: (line: (typeof lines)[number]) => number): number =>
      lines.reduce((s, line) => s + pick(line), 0);
    return {
      waiting: sum(({ waiting }) => waiting),
      taken: sum(({ sequence }) => sequence),
      queueDropped: sum(({ queueDropped }) => queueDropped),
      userDropped: sum(({ userDropped }) => userDropped),
    };
  }

  /** What a contender left that ended by itself; undefined while it runs, or where it said nothing. */
  testament(): Testament | undefined {
    if (this.running?.ended === undefined) return undefined;
    const last = /\{.*\}/.exec(this.running.stdout)?.[0];
    return last === undefined ? undefined : (JSON.parse(last) as Testament);
  }

  /** No packet more, then the end; what does not end by TERM is killed. */
  async leave(): Promise<void> {
    await removeRule(this.network.router, this.contender.rule);
    if (this.running !== undefined && this.running.ended === undefined) await this.running.stop();
  }
}
