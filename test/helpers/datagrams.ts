/** UDP between namespaces, and what became of it: at no rate, so that nothing depends on the machine's speed. */
import { type Nstat, nstat } from './kernel.js';
import type { Namespace } from './netns.js';
import { settled } from './until.js';

export interface Datagrams {
  sent: number;
  lost: number;
  /** How many came behind a later one. */
  outOfOrder: number;
  /** Protocol counters of the receiver, as they grew. */
  grew: Nstat;
}

const PORT = '5301';

/**
 * Sends `count` datagrams with DF, each with every byte to be checked.
 * @param size bytes of UDP payload: 1472 fills 1500
 * @param segments datagrams in one GSO packet; 1: none
 */
export async function datagrams(
  from: Namespace,
  to: Namespace,
  destination: string,
  { count, size = 1472, segments = 1 }: { count: number; size?: number; segments?: number },
): Promise<Datagrams> {
  const [sink, sender] = await Promise.all([to.machine.tool('sink'), from.machine.tool('segments')]);
  const server = to.spawn(sink, [PORT, 'order']);
  await server.says(/ready/);
  const before = await nstat(to);
  // On one CPU: what a process sends before and after it moves to another one may overtake each other by itself.
  await from.exec('taskset', [
    '-c',
    '0',
    sender,
    destination,
    PORT,
    String(size),
    String(segments),
    String(count / segments),
  ]);
  const arrived = before('UdpInDatagrams') + count;
  await settled('what arrives', async () => (await nstat(to))('UdpInDatagrams'), arrived);
  const after = await nstat(to);
  await server.stop();
  const { distinct, corrupt, late } = JSON.parse(server.stdout) as Record<'distinct' | 'corrupt' | 'late', number>;
  if (corrupt > 0) throw new Error(`${corrupt} of ${count} datagrams came with a wrong byte`);
  return { sent: count, lost: count - distinct, outOfOrder: late, grew: (name) => after(name) - before(name) };
}
