/** What waits in the queues of another network namespace. */
import { ClearDfError } from '../../errors.js';
import { readKernelQueues } from '../read/queues.js';

/**
 * Packets that wait for a verdict, over all queues of the namespace that the process is in.
 * @throws ClearDfError ENVIRONMENT when the kernel does not tell
 */
export function waitingWith(pid: number): number {
  const table = readKernelQueues(`/proc/${pid}`);
  if (table.state === 'known') return table.rows.reduce((sum, { waiting }) => sum + waiting, 0);
  throw new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'read',
    object: `queues of process ${pid}`,
    reason: table.detail,
    hint: 'modprobe nfnetlink_queue',
  });
}
