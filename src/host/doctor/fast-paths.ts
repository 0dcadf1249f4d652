/** Programs of the fast path in this network namespace, by the names of their devices. */
import { ClearDfError } from '../../errors.js';
import type { FastProgram, Reading } from '../../doctor/machine.js';
import type { Runner } from '../exec.js';
import { listDevices } from '../read/links.js';

export async function readFastPaths(runner: Runner): Promise<Reading<readonly FastProgram[]>> {
  try {
    const { listFastPaths } = await import('../../fast-path/fast-path.js');
    const attached = listFastPaths();
    if (attached.length === 0) return { known: [] };
    const devices = await listDevices(runner);
    const nameOf = (index: number) => devices.find((device) => device.index === index)?.name ?? `interface ${index}`;
    return {
      known: attached.map(({ device, direction, name, counters }) => ({
        device: nameOf(device),
        direction,
        name,
        counters,
      })),
    };
  } catch (error) {
    if (error instanceof ClearDfError) return { unknown: error.reason };
    throw error;
  }
}
