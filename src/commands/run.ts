/**
 * A run of clear-df: options → plan → queues → statistics → rules → wait → the same backwards. What fails on the way
 * is undone in reverse order; everything that can be refused is refused before the first change.
 */
import { asError, ClearDfError } from '../errors.js';
import { NoAnswerError } from '../host/exec.js';
import { readKernelQueues } from '../host/read/queues.js';
import { Supervisor } from '../host/supervisor.js';
import { createLogger, type Logger, useLogFormat } from '../log.js';
import type { ClearDf } from '../mangler.js';
import { rangeText } from '../net/queue-range.js';
import { snapshotSource } from '../report/snapshot.js';
import { announceEnd, announceQueues, hintAtRules, leftBehind } from './announce.js';
import { bindQueues, requirePrivilege, vouched } from './bind.js';
import { FastPathKeeper } from './fast-path.js';
import { logFault } from './faults.js';
import type { ServiceOptions } from './options.js';
import { planText } from './plan-text.js';
import { changes, keepBound } from './reload.js';
import { RuleKeeper } from './rule-keeper.js';
import { RULES_CHECK_MS, RuleWatch } from './rule-watch.js';
import { HAND_OVER, type SignalWatch, watchSignals } from './signals.js';
import { StatsAddress } from './stats-server.js';
import { StatsLine } from './stats-line.js';
import { UndoStack } from './undo.js';

interface RunContext {
  version: string;
  /** Reads flags and file again, for HUP; absent without a file. */
  reread?: () => ServiceOptions;
  log?: Logger;
  /** The signals, where they are watched already. */
  signals?: SignalWatch;
  /** Milliseconds between two looks at the run's own rules; default {@link RULES_CHECK_MS}. */
  rulesCheckMs?: number;
}

/**
 * Binds, mangles and reports until TERM or INT, or prints the plan under `dry-run`.
 * @throws ClearDfError of the step that failed; what was done before it has been undone
 */
export async function runClearDf(options: ServiceOptions, context: RunContext): Promise<void> {
  useLogFormat(options['log-format']);
  const log = context.log ?? createLogger(options['log-level']);
  if (options['dry-run']) {
    process.stdout.write(await runPlan(options, log, context.signals?.stop));
    return;
  }
  const signals = context.signals ?? watchSignals();
  const supervisor = Supervisor.take(log);
  try {
    if (signals.stopping !== undefined) {
      log.info({ reason: signals.stopping }, 'ended before anything was done');
      return;
    }
    const service = await begin(options, { ...context, signals }, log);
    if (service === undefined) return;
    const status = `clearing DF, queue ${rangeText(options.queue)}`;
    const reload = async () => {
      supervisor.reloading();
      await service.reload();
      supervisor.ready(status);
    };
    supervisor.ready(status);
    signals.attend({
      reload: () => void reload(),
      ignored: (signal) =>
        log.info(
          { signal },
          `${signal} is ignored: HUP reloads, TERM ends, USR2 ends and leaves the fast path in place`,
        ),
    });
    const reason = await signals.stopped;
    supervisor.stopping();
    await service.stop(reason);
  } finally {
    // Those of the process stay watched to its last moment.
    if (context.signals === undefined) signals.dispose();
  }
}

/**
 * What a run with these options would do, in words. Nothing is changed.
 * @param stop ends the command that looks at the machine
 * @throws ClearDfError of what it would refuse
 */
export async function runPlan(options: ServiceOptions, log: Logger, stop?: AbortSignal): Promise<string> {
  const fastPath = await new FastPathKeeper(log, stop).plan(options);
  return planText(options, fastPath, await new RuleKeeper(log, stop).plan({ ...options, rules: fastPath.rules }));
}

/** Starts a service; undefined when a signal ended the run while it waited for a command. */
async function begin(
  options: ServiceOptions,
  context: RunContext & { signals: SignalWatch },
  log: Logger,
): Promise<Run | undefined> {
  try {
    return await Run.start(options, context, log);
  } catch (error) {
    const { stopping } = context.signals;
    if (stopping === undefined || !(error instanceof NoAnswerError)) throw error;
    log.info({ reason: stopping }, `ended before it was running: ${error.message}`);
    return undefined;
  }
}

/** A running service. */
export class Run {
  #options: ServiceOptions;
  /** Reloads and the stop, one after the other. */
  #work: Promise<void> = Promise.resolve();
  /** A reload that has not begun: one more HUP asks for no other. */
  #waiting = false;
  #stopping = false;

  private constructor(
    options: ServiceOptions,
    private readonly context: RunContext,
    private readonly log: Logger,
    private readonly mangler: ClearDf,
    private readonly rules: RuleKeeper,
    private readonly fastPath: FastPathKeeper,
    private readonly address: StatsAddress,
    private readonly statsLine: StatsLine,
    private readonly undo: UndoStack,
    private readonly neverLocal: boolean,
  ) {
    this.#options = options;
    const watch = new RuleWatch(
      () => this.#checkRules(),
      context.rulesCheckMs ?? RULES_CHECK_MS,
      () => rules.mark,
      () => this.#checkRules('glance'),
    );
    undo.push('stop looking at the rules', () => watch.stop());
  }

  /** @throws ClearDfError of the step that failed; what was done before it has been undone */
  static async start(options: ServiceOptions, context: RunContext, log: Logger): Promise<Run> {
    requirePrivilege(log);
    const rules = new RuleKeeper(log, context.signals?.stop);
    const fastPath = new FastPathKeeper(log, context.signals?.stop);
    context.signals?.onHaste(() => leftBehind(rules.leaves ?? fastPath.leaves));
    const plan = await rules.plan(options);
    const undo = new UndoStack();
    try {
      const neverLocal = vouched(options, plan);
      undo.push('remove the fast path', () => fastPath.remove());
      // First: whoever holds the queue holds the programs and rules of its name, and this run changes none of them.
      const mangler = await bindQueues(options, neverLocal);
      // Last of all: with tables and chains the kernel discards what waits in the queues.
      undo.push('remove the rules', () => rules.remove());
      undo.push('close the queues', () => mangler.close());
      await fastPath.put(options);
      mangler.on('fault', (fault) => logFault(log, fault));
      announceQueues(log, mangler, options, neverLocal);
      const take = snapshotSource({
        mangler,
        readKernel: () => readKernelQueues(),
        version: context.version,
        name: () => rules.name,
        fastPath: () => fastPath.stats(),
      });
      const address = new StatsAddress(log, take);
      undo.push('close the statistics address', () => address.close());
      await address.move(options.metrics, options.given.metrics !== undefined);
      const statsLine = new StatsLine(log, take);
      undo.push('stop the statistics line', () => statsLine.stop());
      statsLine.every(options.stats);
      undo.push('remove the rules', () => rules.silence());
      await rules.install({ ...options, rules: fastPath.beside(options.rules) });
      if (options.rules.length === 0) hintAtRules(log, options);
      log.info('clear-df is running');
      return new Run(options, context, log, mangler, rules, fastPath, address, statsLine, undo, neverLocal);
    } catch (error) {
      const reason = context.signals?.stopping;
      // A start that fails leaves the program as it was: for the next one.
      if (reason === HAND_OVER || (reason === undefined && fastPath.found)) fastPath.leave();
      await undo.unwind(log);
      throw error;
    }
  }

  /** Read the file again and take what can change; a file that is refused leaves everything as it is. Never throws. */
  reload(): Promise<void> {
    if (this.#waiting) return this.#work;
    this.#waiting = true;
    return (this.#work = this.#work
      .then(() => this.#reload())
      .catch((error: unknown) => this.#complain('not reloaded, running on as before', error)));
  }

  async #reload(): Promise<void> {
    this.#waiting = false;
    if (this.#stopping) return;
    const { reread } = this.context;
    if (reread === undefined) {
      const state = await this.rules.check();
      await this.#checkFastPath();
      const rules = state === 'none' ? '' : `; rules: ${state}`;
      this.log.warn({ rules: state }, `HUP without --config: there is no file to read again${rules}`);
      return;
    }
    const wanted = reread();
    const differing = changes(this.#options, wanted);
    for (const { name, before, after, live } of differing) {
      if (live) continue;
      const words = `${name} stays ${before}: ${after} needs a new start, because the queue is bound with it`;
      this.log.warn({ option: name, before, after }, words);
    }
    const next = keepBound(this.#options, wanted);
    await this.#take(next);
    const taken = changes(this.#options, next);
    this.#options = next;
    for (const { name, before, after } of taken) this.log.info({ option: name, before, after }, `${name}: ${after}`);
    this.log.info(
      { changed: taken.length },
      taken.length === 0 ? 'file read again: nothing to change' : 'file read again',
    );
  }

  /** Between the reloads, and never after the stop. */
  #checkRules(how: 'check' | 'glance' = 'check'): Promise<void> {
    const check = async () => {
      if (this.#stopping) return;
      await this.rules[how]();
      await this.#checkFastPath();
    };
    return (this.#work = this.#work
      .then(check)
      .catch((error: unknown) => this.#complain('the look at the rules failed, and will be repeated', error)));
  }

  /** The steps that can fail come first: when one does, what came before it is put back. */
  async #take(next: ServiceOptions): Promise<void> {
    const before = this.#options;
    const plan = await this.rules.plan(next);
    if (this.neverLocal && !vouched(next, plan)) {
      this.log.warn('GSO packets are still queued whole, even those for this host: restart to change that');
    }
    await this.address.move(next.metrics, next.given.metrics !== undefined);
    try {
      await this.fastPath.put(next);
      await this.rules.install(this.#beside(next));
    } catch (error) {
      await this.fastPath.put(before);
      await this.address.move(before.metrics, before.given.metrics !== undefined);
      throw error;
    }
    this.mangler.setIdentification(next.identification);
    this.log.level = next['log-level'];
    useLogFormat(next['log-format']);
    this.statsLine.every(next.stats);
  }

  /** With the fast path the rules may have less to do; without it they have to do it all. */
  #beside(options: ServiceOptions): ServiceOptions {
    return { ...options, rules: this.fastPath.beside(options.rules) };
  }

  async #checkFastPath(): Promise<void> {
    await this.fastPath.check();
    await this.rules.follow(this.#beside(this.#options));
  }

  #complain(what: string, thrown: unknown): void {
    const error = asError(thrown);
    // The end has cut it short, and looks itself.
    if (this.#stopping && error instanceof NoAnswerError) return;
    const { message } = error;
    const hint = error instanceof ClearDfError ? error.hint : undefined;
    this.log.error({ ...(hint === undefined ? {} : { hint }) }, `${what}: ${message}`);
  }

  /**
   * Rules first, so that nothing new comes; then the queues, once what waits in them is answered. For another run that
   * follows, the fast path stays.
   * @throws ClearDfError RUNTIME when something could not be undone
   */
  async stop(reason: string): Promise<void> {
    this.#stopping = true;
    await this.#work;
    this.log.info({ reason }, 'ending');
    if (reason === HAND_OVER) this.fastPath.leave();
    const failures = await this.undo.unwind(this.log);
    announceEnd(this.log, reason, this.mangler.stats());
    if (failures.length === 0) return;
    const name = this.rules.leaves ?? this.#options.rules[0]?.name;
    throw new ClearDfError({
      code: 'RUNTIME',
      operation: 'end',
      object: 'clear-df',
      reason: (failures[0] as Error).message,
      hint: name === undefined ? undefined : `clear-df rules remove --name ${name}`,
      cause: failures[0],
    });
  }
}
