/** When a run looks whether its rules are still there: other programs reload firewalls, and tell nobody. */

/** Milliseconds between two looks, whether anything seems to have changed or not. */
export const RULES_CHECK_MS = 30_000;
/** Milliseconds between two glances at the mark. */
const GLANCE_MS = 100;
/** A look takes tools that list all rules: where rules change all the time, it waits this many times what it took. */
const PAUSES = 5;

/** Calls `check` at an interval, and `glance` when a mark has changed; never twice at a time. */
export class RuleWatch {
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #seen: string | undefined;
  #looked = performance.now();
  /** When the next look may be, however often the mark changes. */
  #free = 0;

  /**
   * @param everyMs between two checks, from the end of one to the start of the next
   * @param mark a text that changes with the rules; cheap
   */
  constructor(
    private readonly check: () => Promise<void>,
    private readonly everyMs: number,
    private readonly mark?: () => string,
    private readonly glance: () => Promise<void> = check,
  ) {
    this.#seen = mark?.();
    this.#arm();
  }

  #arm(): void {
    if (this.#stopped) return;
    const pause = this.mark === undefined ? this.everyMs : Math.min(GLANCE_MS, this.everyMs);
    this.#timer = setTimeout(() => void this.#tick().finally(() => this.#arm()), pause).unref();
  }

  async #tick(): Promise<void> {
    const now = performance.now();
    // Taken before the look: what changes while it lasts shows at the next glance.
    const mark = this.mark?.();
    const due = mark === undefined || now - this.#looked >= this.everyMs;
    if (!due && (mark === this.#seen || now < this.#free)) return;
    this.#seen = mark;
    await (due ? this.check() : this.glance());
    const end = performance.now();
    if (due) this.#looked = end;
    this.#free = end + PAUSES * (end - now);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
