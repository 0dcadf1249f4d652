/** What has been done so far, so that it can be undone in reverse order. */
import { isShortage } from '../host/shortage.js';
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
   * Undo everything. A step that fails does not keep the others from being undone; for want of descriptors, processes
   * or memory it is tried again at the end, when the others have given theirs back.
   * @returns the failures, each already logged by name
   */
  async unwind(log: Logger): Promise<unknown[]> {
    const failures: unknown[] = [];
    const again: Step[] = [];
    const undo = async (step: Step, last: boolean) => {
      try {
        log.debug(step.name);
        await step.undo();
      } catch (error) {
        const reason = (error as Error).message;
        if (!last && isShortage(error)) {
          log.warn({ step: step.name, reason }, `could not ${step.name} yet, and will try again`);
          again.push(step);
          return;
        }
        log.error({ step: step.name, reason }, `could not ${step.name}`);
        failures.push(error);
      }
    };
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) await undo(step, false);
    for (const step of again) await undo(step, true);
    return failures;
  }
}
