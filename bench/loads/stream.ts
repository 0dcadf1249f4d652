/** TCP through a ring, and what it cost. */
import type { Stream } from '../record/results.js';
import { pinned } from '../lab/cores.js';
import { FIRST_SOURCE, SINK } from '../lab/network.js';
import { readProcessor } from '../lab/processor.js';
import { program } from '../lab/programs.js';
import { until } from '../../test/helpers/until.js';
import type { Ring } from './ring.js';
import { type Outcome, spent, watchLife } from './spent.js';

const PORT = '5303';

/** What `tcp send` printed. */
interface Sent {
  bytes: number;
  retransmits: number;
  reordered: number;
  seconds: number;
}

/** Sends over so many connections at once, for so many seconds, at so many bytes a second; 0 for as many as go. */
export async function stream(ring: Ring, connections: number, seconds: number, rate: number): Promise<Outcome> {
  const { network, cores } = ring;
  const tcp = await program('tcp');
  const [tool, ...words] = pinned([cores.receiver], [tcp, 'receive', SINK, PORT]);
  const receiver = network.sink.spawn(tool, words);
  try {
    await receiver.says(/^ready$/m);
    const send = [tcp, 'send', SINK, PORT, FIRST_SOURCE, ...[connections, seconds, rate].map(String)];
    const [sendTool, ...sendWords] = pinned([cores.sender], send);
    const before = readProcessor(ring.pid);
    const sender = network.sender.spawn(sendTool, sendWords);
    const life = watchLife(ring);
    const { exitCode } = await sender.wait((seconds + 30) * 1000);
    const over = readProcessor(ring.pid);
    if (exitCode !== 0) throw new Error(`tcp failed: ${sender.stderr}`);
    const { seconds: sending, ...sent } = JSON.parse(sender.stdout) as Sent;
    await until('the queue is empty', async () => ((await ring.queueLosses())?.waiting ?? 0) === 0);
    const cell: Outcome = {
      seconds: sending,
      cores: cores.contender,
      ...spent(ring, { before, sent: over, arrived: over }, life),
      stream: { connections, rate, ...sent },
    };
    const testament = cell.ended === undefined ? undefined : ring.testament();
    if (testament !== undefined) cell.stream = { ...(cell.stream as Stream), answered: testament.answered };
    return cell;
  } finally {
    await receiver.stop('SIGKILL');
  }
}
