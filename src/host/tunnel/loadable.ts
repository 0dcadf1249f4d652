/** Whether the kernel modules that a plan loads are there to be loaded; asked before anything changes. */
import { ClearDfError } from '../../errors.js';
import type { Facts } from '../../tunnel/facts.js';
import type { Item } from '../../tunnel/item.js';
import type { Runner } from '../exec.js';

/** What modprobe ends with when it does not find a module. */
const NOT_FOUND = 1;

/**
 * Asks modprobe, which also knows what an administrator has forbidden. Loads nothing and needs no rights.
 * @throws ClearDfError ENVIRONMENT that names the module that is missing, or modprobe
 */
export async function refuseUnloadable(runner: Runner, items: readonly Item[], facts: Facts): Promise<void> {
  const wanted = items.filter((item) => item.kind === 'module' && item.status(facts).state !== 'in-sync');
  for (const { key } of wanted) {
    const name = key.replace(/^module /, '');
    try {
      await runner.query('modprobe', ['--dry-run', '--quiet', name]);
    } catch (error) {
      throw exitCodeOf(error) === NOT_FOUND ? notFound(name, facts, error) : error;
    }
  }
}

function exitCodeOf(error: unknown): number | undefined {
  return error instanceof ClearDfError ? (error.cause as { exitCode?: number } | undefined)?.exitCode : undefined;
}

function notFound(name: string, { kernel }: Facts, cause: unknown): ClearDfError {
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'find',
    object: `kernel module ${name}`,
    reason: `modprobe finds none of this name for kernel ${kernel}`,
    hint: "install the running kernel's modules; in a container, load it on the host",
    cause,
  });
}
