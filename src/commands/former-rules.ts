/** Rules that a run had under a name that it has no longer, until they are removed. */
import { ClearDfError } from '../errors.js';
import type { Backend } from '../host/firewall.js';
import type { Logger } from '../log.js';
import type { RuleSpec } from '../rules/spec.js';

/** The rules that are in place. */
export interface Installed {
  name: string;
  rules: readonly RuleSpec[];
  backend: Backend;
  /** How the backend shows them. */
  shown: string;
  /** The MTUs that they were made for. */
  limits: string;
}

/** Those that could not be removed at once are tried again. */
export class FormerRules {
  #left: Installed[] = [];
  readonly #told = new Set<string>();

  constructor(
    private readonly log: Pick<Logger, 'error'>,
    private readonly take: (rules: Installed) => Promise<void>,
  ) {}

  /** Of those that are left, the first one's. */
  get name(): string | undefined {
    return this.#left[0]?.name;
  }

  add(rules: Installed): void {
    this.#left.push(rules);
  }

  /**
   * Removes those that can be removed; each trouble is logged once. Never throws a ClearDfError.
   * @param now the name that the run has again: its rules are former no longer
   */
  async tryAll(now?: string): Promise<void> {
    const tried = this.#left.filter(({ name }) => name !== now);
    const left: Installed[] = [];
    this.#left = left;
    for (const rules of tried) {
      try {
        await this.take(rules);
      } catch (error) {
        left.push(rules);
        const words = `rules of ${rules.name} could not be removed, and will be tried: ${reasonOf(error)}`;
        if (!this.#told.has(words)) this.log.error({ name: rules.name }, words);
        this.#told.add(words);
      }
    }
  }

  /** Removes all, at the end of the run. @throws ClearDfError of the first one that cannot be removed */
  async takeAll(): Promise<void> {
    for (let rules = this.#left[0]; rules !== undefined; rules = this.#left[0]) {
      await this.take(rules);
      this.#left.shift();
    }
  }
}

/** @throws what is no failure of the machine but of this program */
export function reasonOf(error: unknown): string {
  if (error instanceof ClearDfError) return error.message;
  throw error;
}
