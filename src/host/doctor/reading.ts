/** What a command printed, or why there is nothing: the doctor goes on with what it has. */
import { ClearDfError } from '../../errors.js';
import type { Reading } from '../../doctor/machine.js';

/**
 * The value, or the refusal in words, with the package to install where a tool is missing.
 * @throws whatever is no ClearDfError
 */
export async function reading<T>(value: Promise<T>): Promise<Reading<T>> {
  try {
    return { known: await value };
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    const absent = error.errno === 'ENOENT';
    const install = absent && error.hint?.startsWith('apt-get ') ? error.hint : undefined;
    const rights = error.code === 'PRIVILEGE' ? 'sudo clear-df doctor' : undefined;
    return { unknown: absent ? `${error.object} is not installed` : error.reason, fix: install ?? rights };
  }
}
