/** The firewall rules of a run: looked at before, installed, kept in place, replaced, and removed at the end. */
import { isDeepStrictEqual } from 'node:util';
import { ClearDfError } from '../errors.js';
import { type Answers, tryingOnce } from '../host/ask-once.js';
import { createRunner, type Change, type Runner } from '../host/exec.js';
import * as firewall from '../host/firewall.js';
import { underRulesLock } from '../host/firewall/lock.js';
import type { Logger } from '../log.js';
import { instanceOf } from '../rules/instance.js';
import { native } from '../native.js';
import type { RuleSpec } from '../rules/spec.js';
import type { ServiceOptions } from './options.js';
import { FormerRules, type Installed, reasonOf } from './former-rules.js';
import { announceRules } from './announce.js';
import { refuseTakenName } from './taken-name.js';

/** Everything that can be refused about rules, found out without changing anything. */
export interface RulePlan {
  result: firewall.InstallResult;
  changes: Change[];
}

/** What {@link RuleKeeper.check} found: no rules of this run; as they were; not readable; put back; not put back. */
type RuleState = 'none' | 'intact' | 'unknown' | 'restored' | 'lost';

/** Why rules are installed again. */
interface Trouble {
  level: 'info' | 'warn';
  words: string;
  hint?: string;
}

/** Owns at most one instance's rules at a time. */
export class RuleKeeper {
  readonly #log: Logger;
  readonly #runner: Runner;
  /** What the plan has tried, its installation does not try again. */
  readonly #trials: Answers = new Map();
  #installed: Installed | undefined;
  /** The name whose rules may be there: from before they are installed until they are removed. */
  #name: string | undefined;
  /** What this run has changed beside its rules. */
  #before: firewall.Memory = {};
  /** The backends that {@link silence} has taken rules from. */
  #silenced: readonly firewall.Backend[] = [];
  /** Rules of a name that this run had before, which could not be removed yet. */
  readonly #former: FormerRules;
  /** Why {@link follow} could not, as it was logged. */
  #waits: string | undefined;
  /** Troubles that have been logged and not passed yet. */
  readonly #told = new Set<string>();

  /** @param stop aborted when the run is to end */
  constructor(log: Logger, stop?: AbortSignal) {
    this.#log = log;
    this.#runner = this.#tryingOnce(createRunner({ log, stop }));
    this.#former = new FormerRules(log, (one) => this.#take(one));
  }

  /**
   * A text that changes when any program changes rules where those of this run stand; asking costs a few system calls.
   * Empty without rules, and where the kernel does not tell.
   */
  get mark(): string {
    const installed = this.#installed;
    if (installed === undefined) return '';
    if (installed.backend !== 'iptables-legacy') return native().rulesetMark('');
    const table = firewall.legacyTable();
    return table === undefined ? '' : native().rulesetMark(table);
  }

  /** Of the rules that are installed. */
  get name(): string | undefined {
    return this.#installed?.name;
  }

  /** The name of the rules that would stay if the process ended now. */
  get leaves(): string | undefined {
    return this.#name ?? this.#former.name;
  }

  /**
   * What {@link install} would do.
   * @throws ClearDfError ENVIRONMENT for a missing device, route or backend, CONFLICT when another run that is alive
   * owns the rules of this name, or what is installed under another one cannot be removed
   */
  async plan({ rules, backend }: ServiceOptions): Promise<RulePlan | undefined> {
    const changes: Change[] = [];
    const looking = this.#tryingOnce(
      createRunner({
        ...{ log: this.#log, stop: this.#runner.stop },
        ...{ dryRun: true, print: (change: Change) => changes.push(change) },
      }),
    );
    const now = this.#installed;
    if (now !== undefined && now.name !== rules[0]?.name) {
      await firewall.removeRules(looking, now.name, now.backend, this.#before);
    }
    if (rules.length === 0) return undefined;
    const instance = instanceOf(rules);
    const result = await firewall.installRules(looking, rules, this.#settled(rules, backend));
    if (result.existed && this.#installed?.name !== instance.name) await refuseTakenName(this.#runner, instance);
    return { result, changes };
  }

  #tryingOnce(runner: Runner): Runner {
    return tryingOnce(runner, this.#trials, firewall.isTrial);
  }

  /** Installs the rules that the options ask for and removes those of another name; none when they ask for none. */
  async install(options: ServiceOptions): Promise<void> {
    const { rules, backend } = options;
    const before = this.#installed;
    const name = rules[0]?.name;
    if (name !== undefined) {
      this.#name ??= name;
      await this.#put(rules, this.#settled(rules, backend), before?.name === name);
    }
    if (before !== undefined && before.name !== name) this.#former.add(before);
    if (name === undefined) this.#installed = undefined;
    this.#name = name;
    await this.#former.tryAll(name);
    if (name === undefined && this.#former.name === undefined) this.#forget();
  }

  /**
   * Installs the rules of these options where others of the run are installed; what fails is tried at the next look.
   * Never throws a ClearDfError.
   */
  async follow(options: ServiceOptions): Promise<void> {
    const installed = this.#installed;
    if (installed === undefined || isDeepStrictEqual(installed.rules, options.rules)) return;
    try {
      await this.install(options);
      this.#waits = undefined;
    } catch (error) {
      const words = `rules of ${installed.name} could not be changed, and will be tried: ${reasonOf(error)}`;
      if (words !== this.#waits) this.#log.warn(words);
      this.#waits = words;
    }
  }

  /** What {@link check} does, when a program has just changed rules: the least first, and all of it only where it takes more. */
  async glance(): Promise<RuleState> {
    const installed = this.#installed;
    if (installed === undefined) return 'none';
    try {
      if (await this.#standLast(installed)) return 'intact';
    } catch (error) {
      // The whole look logs it.
      reasonOf(error);
    }
    return this.check();
  }

  /**
   * Where this run's rules are, with `auto`, they stay: that a tool failed once is no reason to move them. An instance
   * that has come to need another hook is chosen for anew.
   */
  #settled(rules: readonly RuleSpec[], choice: firewall.BackendChoice): firewall.BackendChoice {
    const now = this.#installed;
    if (choice !== 'auto' || now === undefined || now.name !== instanceOf(rules).name) return choice;
    const [before, after] = [now.rules, rules].map((specs) => specs.map(({ hook }) => hook).join());
    return before === after ? now.backend : choice;
  }

  /**
   * Looks whether the rules are still there, and installs them again when someone has removed or changed them.
   * Each trouble is logged once. Never throws a ClearDfError.
   */
  async check(): Promise<RuleState> {
    await this.#former.tryAll();
    const installed = this.#installed;
    if (installed === undefined) return 'none';
    const { name, rules, backend } = installed;
    let trouble: Trouble | undefined;
    try {
      await this.#standLast(installed);
      trouble = await this.#troubleOf(installed);
    } catch (error) {
      this.#tell('warn', `rules of ${name} cannot be looked at in ${backend}: ${reasonOf(error)}`);
      return 'unknown';
    }
    if (trouble === undefined) {
      this.#told.clear();
      return 'intact';
    }
    const { level, words, hint } = trouble;
    this.#tell(level, words, { comment: `clear-df:${name}`, ...(hint === undefined ? {} : { hint }) });
    try {
      await this.#put(rules, backend, true);
      this.#log.info({ name, backend }, `rules of ${name} are installed again`);
      this.#told.clear();
      return 'restored';
    } catch (error) {
      this.#tell('error', `rules of ${name} could not be installed again, and will be tried: ${reasonOf(error)}`);
      return 'lost';
    }
  }

  /** Takes the rules away, so that no more packets come. {@link remove} is still to come, once the queues are closed. */
  async silence(): Promise<void> {
    const installed = this.#installed;
    if (installed === undefined) return;
    const { name, backend } = installed;
    this.#silenced = await underRulesLock(this.#runner, this.#log, () =>
      firewall.silenceRules(this.#runner, name, backend),
    );
  }

  /** Removes what this run has installed: what {@link silence} has left of it, or all. Safe to call again. */
  async remove(): Promise<void> {
    if (this.#installed !== undefined) await this.#take(this.#installed, this.#silenced);
    this.#installed = undefined;
    this.#name = undefined;
    await this.#former.takeAll();
    this.#forget();
  }

  #forget(): void {
    this.#installed = undefined;
    this.#name = undefined;
    this.#before = {};
    this.#silenced = [];
  }

  async #put(rules: readonly RuleSpec[], choice: firewall.BackendChoice, ours: boolean): Promise<void> {
    const { name } = instanceOf(rules);
    const result = await underRulesLock(this.#runner, this.#log, () =>
      firewall.installRules(this.#runner, rules, choice, this.#before),
    );
    this.#before = firewall.joined(this.#before, result.before);
    this.#installed = { name, rules, backend: result.backend, shown: '', limits: result.limits };
    announceRules(this.#log, rules, result, ours);
    this.#installed.shown = await this.#show(name, result.backend);
  }

  /** Why rules have to be installed again; undefined when they are as they were, and packets still reach them. */
  async #troubleOf({ name, rules, backend, shown, limits }: Installed): Promise<Trouble | undefined> {
    const now = await this.#show(name, backend);
    if (shown === '' || now !== shown || !(await firewall.rulesAreReached(this.#runner, rules, backend))) {
      return {
        level: 'warn',
        words: `rules of ${name} are no longer in ${backend} as they were installed: someone removed or changed them`,
        hint: 'a firewall reload should keep rules with this comment, or send this process HUP afterwards',
      };
    }
    const mtu = await this.#limits(rules);
    if (mtu === undefined || mtu === limits) return undefined;
    return { level: 'info', words: `the MTU that rules of ${name} go by was ${limits} and is ${mtu}` };
  }

  /** Puts the rules behind those of others. @returns whether there are any */
  async #standLast({ name, backend }: Installed): Promise<boolean> {
    const { behind, present } = await underRulesLock(this.#runner, this.#log, () =>
      firewall.standLast(this.#runner, name, backend),
    );
    if (behind.length > 0) {
      const words = `rules of ${name} are last again in ${backend}: rules after them miss the queued packets`;
      this.#log.info({ name, behind }, words);
    }
    return present;
  }

  /** Undefined while a device that the rules name is away: they wait for it. */
  async #limits(rules: readonly RuleSpec[]): Promise<string | undefined> {
    try {
      return await firewall.mtuLimits(this.#runner, rules);
    } catch (error) {
      if (error instanceof ClearDfError && error.code === 'ENVIRONMENT') return undefined;
      throw error;
    }
  }

  /** The rules of a name in the backend's own words, without packet counters. */
  async #show(name: string, backend: firewall.Backend): Promise<string> {
    const { rules } = await firewall.listRules(this.#runner, backend);
    const ours = rules.filter((listed) => listed.name === name);
    return ours.map(({ chain, rule }) => `${chain}\t${rule.replace(/packets \d+ bytes \d+/, '')}`).join('\n');
  }

  async #take({ name, backend }: Installed, silenced: readonly firewall.Backend[] = []): Promise<void> {
    const { removedFrom, notes } = await underRulesLock(this.#runner, this.#log, () =>
      firewall.removeRules(this.#runner, name, backend, this.#before, silenced),
    );
    if (removedFrom.length > 0) this.#log.info({ name, backend }, 'rules removed');
    else this.#log.warn({ name, backend }, `rules of ${name} were gone from ${backend} already`);
    for (const note of notes) this.#log.warn({ name, backend }, note);
  }

  #tell(level: 'info' | 'warn' | 'error', words: string, fields: Record<string, string> = {}): void {
    if (!this.#told.has(words)) this.#log[level](fields, words);
    this.#told.add(words);
  }
}
