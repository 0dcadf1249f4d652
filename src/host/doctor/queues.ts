/** The queues that are bound, and by which process. */
import type { HeldQueue, Reading } from '../../doctor/machine.js';
import { holderOf, readKernelQueues } from '../read/queues.js';

/** Reads `/proc` only. Never throws. */
export function readHeldQueues(): Reading<HeldQueue[]> {
  const table = readKernelQueues();
  if (table.state === 'unknown') {
    // Without the module nobody can hold one.
    return table.reason === 'not-loaded' ? { known: [] } : { unknown: table.detail };
  }
  if (table.unread[0] !== undefined) return { unknown: `the kernel's table of queues has a line '${table.unread[0]}'` };
  return {
    known: table.rows.map(({ queue, portId, queueDropped, userDropped }) => {
      const holder = holderOf(queue);
      const process = holder.state === 'held' ? holder.process : undefined;
      return { queue, portId, process, queueDropped, userDropped };
    }),
  };
}
