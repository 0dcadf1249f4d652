/** Programs of the fast path: all of this network namespace, and that of a site's tunnel device. */
import { ClearDfError } from '../../errors.js';
import type { FastListing } from '../../fast-path/fast-path.js';
import type { FastPathFact } from '../../tunnel/facts.js';
import type { Wanted } from '../../tunnel/wanted.js';
import type { Runner } from '../exec.js';

/** A program, with its device by name. */
interface NamedProgram extends Pick<FastListing, 'direction' | 'name' | 'counters'> {
  device: string;
}

/**
 * Every program of clear-df in this network namespace; none where there is no fast path at all.
 * @param runner default: one of its own, which is not even loaded where nothing is attached
 * @throws ClearDfError RUNTIME when the kernel does not answer
 */
export async function listPrograms(runner?: Runner): Promise<NamedProgram[]> {
  const { listFastPaths } = await import('../../fast-path/fast-path.js');
  const attached = listFastPaths();
  if (attached.length === 0) return [];
  const { listDevices } = await import('./links.js');
  const devices = await listDevices(
    runner ?? (await import('../exec.js')).createRunner({ log: { debug: () => undefined } }),
  );
  const nameOf = (index: number) => devices.find((one) => one.index === index)?.name ?? `interface ${index}`;
  return attached.map(({ device, direction, name, counters }) => ({
    device: nameOf(device),
    direction,
    name,
    counters,
  }));
}

/** Undefined when it is not asked for, or cannot be read. */
export async function readFastPath(wanted: Wanted['fastPath']): Promise<FastPathFact | undefined> {
  if (wanted === undefined) return undefined;
  try {
    const { lookAtSingle } = await import('../../fast-path/single.js');
    const standing = lookAtSingle(wanted.name, wanted.device);
    if (standing.state === 'attached') return { state: 'attached', identification: standing.identification };
    if (standing.state === 'absent') return standing;
    const { observed, hint } = standing;
    return { state: 'conflict', observed, ...(hint === undefined ? {} : { hint }) };
  } catch (error) {
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}
