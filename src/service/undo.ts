/** What has been done so far, so that it can be undone in reverse order. */
import type { Logger } from '../log.js';

interface Step {
  name: string;
  undo: () => void | Promise<void>;
}

/** Steps that were done; {@link unwind} undoes each once, the last one first. */
export class UndoStack {
  readonly #steps: Step[] = [];

  /** Remember how to undo a step that has just been done; `name` is a verb phrase: `remove rules`. */
  push(name: string, undo: Step['undo']): void {
    this.#steps.push({ name, undo });
  }

  /**
   * Undo everything. A step that fails does not keep the others from being undone.
   * @returns the failures, each already logged by name
   */
  async unwind(log: Logger): Promise<unknown[]> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        log.debug(step.name);
        await step.undo();
      } catch (error) {
        log.error({ step: step.name, reason: (error as Error).message }, `could not ${step.name}`);
        failures.push(error);
      }
    }
    return failures;
  }
}
