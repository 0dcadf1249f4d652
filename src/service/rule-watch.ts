/** When a run looks whether its rules are still there: other programs reload firewalls, and tell nobody. */

/** Milliseconds between two looks. */
export const RULES_CHECK_MS = 30_000;

/** Calls `check` at an interval, counted from the end of one check to the start of the next. */
export class RuleWatch {
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly check: () => Promise<void>,
    private readonly everyMs: number,
  ) {
    this.#arm();
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.check().finally(() => this.#arm()), this.everyMs).unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
