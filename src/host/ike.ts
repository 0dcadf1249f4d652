/** Asks charon to come together with the other end. */
import { ClearDfError } from '../errors.js';
import { NoAnswerError, type Runner } from './exec.js';

/**
 * One attempt. Where it takes longer than `seconds`, charon goes on alone.
 * @returns undefined when the child is installed, or everything that charon said
 * @throws ClearDfError when swanctl was killed or is not there
 */
export async function initiate(runner: Runner, child: string, seconds: number): Promise<string | undefined> {
  try {
    await runner.change('swanctl', ['--initiate', '--child', child, '--timeout', String(seconds)]);
    return undefined;
  } catch (error) {
    if (!(error instanceof ClearDfError) || error instanceof NoAnswerError || error.errno === 'ENOENT') throw error;
    // What led to it is on the standard output.
    const { stdout } = (error.cause ?? {}) as { stdout?: unknown };
    return `${typeof stdout === 'string' ? stdout : ''}\n${error.reason}`;
  }
}
