/** Programs of the fast path in this network namespace, by the names of their devices. */
import { ClearDfError } from '../../errors.js';
import type { FastProgram, Reading } from '../../doctor/machine.js';
import type { Runner } from '../exec.js';
import { listPrograms } from '../read/fast-path.js';

export async function readFastPaths(runner: Runner): Promise<Reading<readonly FastProgram[]>> {
  try {
    return { known: await listPrograms(runner) };
  } catch (error) {
    if (error instanceof ClearDfError) return { unknown: error.reason };
    throw error;
  }
}
