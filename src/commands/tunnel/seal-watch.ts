/**
 * A running tunnel puts back what keeps its frames from leaving unencrypted, and the program that clears DF, when another
 * program has removed it.
 */
import { ClearDfError } from '../../errors.js';
import type { Runner } from '../../host/exec.js';
import { rereadFacts } from '../../host/facts.js';
import { perform } from '../../host/tunnel/perform.js';
import { takeTunnelLock } from '../../host/tunnel/paths.js';
import type { Logger } from '../../log.js';
import type { Facts } from '../../tunnel/facts.js';
import { isWatched, type Item } from '../../tunnel/item.js';
import type { Plan } from '../../tunnel/plan.js';
import { RULES_CHECK_MS, RuleWatch } from '../rule-watch.js';

interface SealWatchOptions {
  runner: Runner;
  log: Logger;
  /** The machine as it was read last. */
  facts: Facts;
  /** Milliseconds between two looks: meanwhile the guards hold, one for the other. */
  everyMs?: number;
}

/** Whether there is something to watch. */
export function hasSeals({ items }: Plan): boolean {
  return items.some(({ kind }) => isWatched(kind));
}

export class SealWatch {
  readonly #runner: Runner;
  readonly #log: Logger;
  readonly #items: readonly Item[];
  readonly #watch: RuleWatch;
  #facts: Facts;
  #looking: Promise<void> | undefined;
  /** What could not be done, by its object, as it was said last. */
  readonly #said = new Map<string, string>();

  constructor(
    private readonly plan: Pick<Plan, 'site' | 'items'>,
    { runner, log, facts, everyMs = RULES_CHECK_MS }: SealWatchOptions,
  ) {
    this.#runner = runner;
    this.#log = log;
    this.#facts = facts;
    this.#items = plan.items.filter(({ kind }) => isWatched(kind));
    this.#watch = new RuleWatch(() => this.look(), everyMs);
  }

  /** Waits for a look that is under way: what it puts back after `down` has begun would stay. */
  async stop(): Promise<void> {
    this.#watch.stop();
    await this.#looking;
  }

  /** One look; several at a time are one. Never throws. */
  async look(): Promise<void> {
    this.#looking ??= this.#look()
      .then(() => this.#said.delete(''))
      .catch((error: unknown) => this.#say('', `guards of ${this.plan.site.name} cannot be looked at`, error))
      .then(() => (this.#looking = undefined));
    await this.#looking;
  }

  async #look(): Promise<void> {
    await this.#read();
    this.#tellConflicts();
    if (this.#missing().length === 0) return;
    // Whoever has it is at work on the same things.
    const lock = takeTunnelLock(this.plan.site.name);
    try {
      await this.#read();
      for (const item of this.#missing()) await this.#putBack(item);
    } finally {
      lock.release();
    }
  }

  async #read(): Promise<void> {
    const sections = new Set([
      ...(['links', 'routes', 'paths', 'rules', 'tunsrc'] as const),
      ...(['xfrm', 'tables', 'fast-path'] as const),
    ]);
    this.#facts = await rereadFacts(this.#runner, this.#facts, this.plan.site, sections);
  }

  #missing(): Item[] {
    return this.#items.filter((item) => {
      const { tables, fastPath } = this.#facts;
      const unread =
        (item.kind === 'nft-table' && tables === undefined) || (item.kind === 'fast-path' && fastPath === undefined);
      return !unread && item.status(this.#facts).state === 'differs' && item.apply(this.#facts).length > 0;
    });
  }

  /** What another program has put in the place of a guard is not removed. */
  #tellConflicts(): void {
    for (const item of this.#items) {
      const status = item.status(this.#facts);
      if (status.state === 'conflict')
        this.#say(item.key, `not certain that ${item.desired}`, new Error(status.observed));
      else if (status.state === 'in-sync') this.#said.delete(item.key);
    }
  }

  async #putBack(item: Item): Promise<void> {
    const status = item.status(this.#facts);
    if (status.state === 'in-sync') return;
    try {
      for (const command of item.apply(this.#facts)) await perform(this.#runner, command, this.#log);
      this.#log.warn({ found: status.observed }, `restored, another program had removed it: ${item.desired}`);
      this.#said.delete(item.key);
    } catch (error) {
      this.#say(item.key, `cannot be put back, and will be tried: ${item.desired}`, error);
    }
  }

  #say(about: string, what: string, error: unknown): void {
    // Another change of the tunnel is under way.
    if (error instanceof ClearDfError && error.code === 'CONFLICT') return;
    const { message } = error as Error;
    if (this.#said.get(about) === message) return;
    this.#said.set(about, message);
    this.#log.warn(`${what}: ${message}`);
  }
}
