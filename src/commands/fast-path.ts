/** The fast path of a run: attached once the queue is bound, kept in place, exchanged on HUP, taken away at the end. */
import { isDeepStrictEqual } from 'node:util';
import { ClearDfError } from '../errors.js';
import type { FastPath, FastStats, Spot } from '../fast-path/fast-path.js';
import { allThatLeave, type FastRule, fastRuleOf } from '../fast-path/place.js';
import { findDevice, listDevices, type NamedDevice } from '../host/read/links.js';
import { askingOnce } from '../host/ask-once.js';
import { createRunner, type Runner } from '../host/exec.js';
import { egressMtu } from '../host/firewall/mtu.js';
import type { Logger } from '../log.js';
import { queueName } from '../net/queue-range.js';
import type { RuleSpec } from '../rules/spec.js';
import type { ServiceOptions } from './options.js';

/** What a run wants attached; a text says why the queue has to do it all. */
type Wish = { name: string; rule: FastRule } | string;

/** What {@link FastPathKeeper.put} would do, for people, and the rules that would stand beside it. */
export interface FastPathPlan {
  text: string;
  rules: RuleSpec[];
}

/** Owns the programs of one run. */
export class FastPathKeeper {
  readonly #log: Logger;
  readonly #runner: Runner;
  #path: FastPath | undefined;
  #options: ServiceOptions | undefined;
  #attached: Exclude<Wish, string> | undefined;
  /** Whether it is in place, as far as is known. */
  #stands = false;
  /** Where it is attached. */
  #link: NamedDevice | undefined;
  /** It was there before this run: an earlier one of its name had left it. */
  #found = false;
  /** What earlier runs have left elsewhere has been looked for. */
  #tidied = false;
  /** What has been logged and not passed yet. */
  #told: string | undefined;

  /** @param stop aborted when the run is to end */
  constructor(log: Logger, stop?: AbortSignal) {
    this.#log = log;
    this.#runner = createRunner({ log, stop });
  }

  /** What each program has counted; empty without any. Never throws: what cannot be read is left out and logged. */
  stats(): FastStats[] {
    try {
      return this.#path?.stats() ?? [];
    } catch (error) {
      this.#tell(`the counters of the fast path cannot be read: ${(error as Error).message}`);
      return [];
    }
  }

  /** The name whose programs would go on if the process ended now. */
  get leaves(): string | undefined {
    return this.#path === undefined || this.#link === undefined ? undefined : this.#path.name;
  }

  /** Whether an earlier run had left what is attached now. */
  get found(): boolean {
    return this.#found;
  }

  /** The rules beside it. */
  beside(rules: readonly RuleSpec[]): RuleSpec[] {
    return besideProgram(rules, this.#stands ? this.#attached?.rule : undefined);
  }

  /**
   * What {@link put} would do; whether the kernel would take it is not tried.
   * @throws ClearDfError as it does
   */
  async plan(options: ServiceOptions): Promise<FastPathPlan> {
    const wish = await this.#wishOf(options, askingOnce(this.#runner));
    if (typeof wish === 'string' && options['fast-path'] === 'require') throw unfit(wish);
    if (typeof wish === 'string') return { text: `without the fast path: ${wish}`, rules: [...options.rules] };
    const { name, rule } = wish;
    const { identification, route, largerThan } = rule.settings;
    const settings = [
      ...[`name ${name}`, `identification ${identification}`],
      ...(route === 'none' ? [] : [`route ${route}`]),
      ...(largerThan === 0 ? [] : [`larger than ${largerThan} bytes`]),
    ];
    return {
      text: `attach the fast path at ${rule.direction} of ${rule.device}: ${settings.join(', ')}`,
      rules: besideProgram(options.rules, rule),
    };
  }

  /**
   * Attaches what the options ask for, exchanges what is there already, and takes away what they no longer ask for.
   * Under `auto` the queue does what the fast path cannot, and that is said.
   * @throws ClearDfError under `require` only
   */
  async put(options: ServiceOptions): Promise<void> {
    const required = options['fast-path'] === 'require';
    this.#told = undefined;
    this.#options = options;
    this.#stands = false;
    try {
      const looking = askingOnce(this.#runner);
      const wish = await this.#wishOf(options, looking);
      if (typeof wish !== 'string') await this.#attach(wish, looking);
      else if (required) throw unfit(wish);
      else this.#leave(options, wish);
      await this.#tidy(options, typeof wish === 'string' ? undefined : wish.name);
    } catch (error) {
      if (required || !(error instanceof ClearDfError)) throw error;
      this.#tell(`without the fast path, the queue does it all: ${error.message}`, error.hint);
    }
  }

  /** Looks whether it is still there, and attaches it again; also to a device that was made anew. Never throws a ClearDfError. */
  async check(): Promise<void> {
    if (this.#options === undefined) return;
    try {
      const looking = askingOnce(this.#runner);
      const wish = await this.#wishOf(this.#options, looking);
      if (typeof wish === 'string') return;
      if (!(await this.#isThere(wish, looking))) await this.#attach(wish, looking);
      // Also after a look that failed: what was there all the time is in place.
      this.#stands = true;
      this.#told = undefined;
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      const renamed = await this.#renamed();
      this.#stands = renamed !== undefined;
      if (renamed !== undefined) this.#tell(renamed, 'give it its name back, or start again with the new one');
      else this.#tell(`the fast path is not in place, the queue does it all: ${error.message}`, error.hint);
    }
  }

  /** A program goes with its device; rules go by the name. */
  async #renamed(): Promise<string | undefined> {
    const link = this.#link;
    const now =
      link && (await listDevices(this.#runner).catch(() => [])).find(({ index }) => index === link.index)?.name;
    if (link === undefined || now === undefined || now === link.name) return undefined;
    return `${link.name} is called ${now} now: the fast path stays there, the rules for ${link.name} match nothing`;
  }

  /** Leaves it to the next run, which adopts it; {@link remove} finds nothing then. */
  leave(): void {
    const path = this.#path;
    this.#path = undefined;
    if (path === undefined) return;
    path.close();
    this.#log.info({ name: path.name }, 'fast path left in place');
  }

  /** Takes it away. Safe to call again. */
  remove(): void {
    const path = this.#path;
    this.#path = undefined;
    this.#link = undefined;
    this.#stands = false;
    this.#attached = undefined;
    this.#options = undefined;
    if (path === undefined) return;
    try {
      if (path.detach().length > 0) this.#log.info({ name: path.name }, 'fast path removed');
    } finally {
      path.close();
    }
  }

  async #wishOf(options: ServiceOptions, runner: Runner): Promise<Wish> {
    const { rules, identification } = options;
    const device = options['fast-path-dev'];
    if (options['fast-path'] === 'off') return 'it is switched off';
    if (device !== undefined) return { name: queueName(options.queue), rule: allThatLeave(device, identification) };
    const [spec] = rules;
    if (spec === undefined) return 'the rules are not its own (--fast-path-dev DEV names a device)';
    if (rules.length > 1) return 'several rules feed the queue';
    const bytes = await egressMtu(runner, spec);
    const out = bytes === undefined || spec.outDev === undefined ? undefined : await findAt(spec.outDev, runner);
    const rule = fastRuleOf(spec, identification, { bytes, device: out?.index ?? 0 });
    return typeof rule === 'string' ? rule : { name: spec.name, rule };
  }

  async #attach({ name, rule }: Exclude<Wish, string>, runner: Runner): Promise<void> {
    const link = await findAt(rule.device, runner);
    const path = await this.#open(name);
    const attached = path.attach(link, rule.direction, rule.settings);
    this.#found ||= attached.adoption !== 'fresh';
    this.#link = link;
    this.#attached = { name, rule };
    this.#stands = true;
    path.detach([{ device: link.index, direction: rule.direction }]);
    const how = {
      fresh: '',
      adopted: ': the one that was there is adopted, and its counters go on',
      replaced: ': the one that was there is exchanged, and its counters begin anew',
    }[attached.adoption];
    const { identification, route, largerThan } = rule.settings;
    const fields = { name, device: rule.device, direction: rule.direction, identification, route, largerThan };
    this.#log.info(fields, `fast path attached at ${rule.direction} of ${rule.device}${how}`);
  }

  /** Loads the addon only now; of another name, what stood under the old one goes. */
  async #open(name: string): Promise<FastPath> {
    if (this.#path?.name === name) return this.#path;
    const { FastPath } = await import('../fast-path/fast-path.js');
    const path = FastPath.open(name);
    this.#path?.detach();
    this.#path?.close();
    return (this.#path = path);
  }

  /** Whether a program with these settings is where it should be. */
  async #isThere(wish: Exclude<Wish, string>, runner: Runner): Promise<boolean> {
    const { rule } = wish;
    if (!isDeepStrictEqual(wish, this.#attached)) return false;
    const link = await findAt(rule.device, runner);
    const here = ({ device, direction }: Spot) => device === link.index && direction === rule.direction;
    return this.#path?.spots().some(here) === true;
  }

  /** Takes away what a run of this name has attached before, when nothing is wanted now. */
  #leave(options: ServiceOptions, why: string): void {
    if (options['fast-path'] === 'auto' && options.rules.length > 0) this.#log.info(`without the fast path: ${why}`);
    this.remove();
    this.#options = options;
  }

  /**
   * What ended by USR2 or was killed has left its program, for options that these may not be. Names belong to who holds
   * the queue, and rules of the name: both are this run.
   */
  async #tidy({ rules, queue, programElsewhere }: ServiceOptions, but: string | undefined): Promise<void> {
    if (this.#tidied || programElsewhere === true) return;
    this.#tidied = true;
    const names = [queueName(queue), ...rules.slice(0, 1).map(({ name }) => name)].filter((name) => name !== but);
    const { countFastPath, removeFastPath } = await import('../fast-path/fast-path.js');
    try {
      for (const name of names) {
        if (countFastPath(name) === 0) continue;
        removeFastPath(name);
        this.#log.info(
          { name },
          `fast path of ${name} removed: an earlier run had left it, and this one has no use for it`,
        );
      }
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      this.#log.debug({ reason: error.message }, 'whether an earlier run has left a fast path is not known');
    }
  }

  #tell(words: string, hint?: string): void {
    if (this.#told !== words) this.#log.warn(hint === undefined ? {} : { hint }, words);
    this.#told = words;
  }
}

/**
 * Where packets leave, the queue comes before a program: it is left what the program does not do. Elsewhere nothing has
 * to be agreed, since what is cleared matches no rule any more.
 */
function besideProgram(rules: readonly RuleSpec[], program: FastRule | undefined): RuleSpec[] {
  return rules.map((rule) => (program?.direction === 'egress' ? { ...rule, leftByFastPath: true } : rule));
}

function findAt(device: string, runner: Runner): Promise<NamedDevice> {
  return findDevice(runner, device, 'fast path at');
}

function unfit(why: string): ClearDfError {
  return new ClearDfError({
    code: 'USAGE',
    operation: 'read',
    object: '--fast-path',
    reason: `'require' is not accepted; the fast path cannot do this: ${why}`,
    hint: '--fast-path auto lets the queue do it',
  });
}
