/**
 * TCP of an exact length. iperf3 cannot give one: its client tells the server to stop once everything is written, and
 * what is then still under way is discarded, which on a busy machine is most of it.
 */
import { type Nstat, nstat } from './kernel.js';
import type { Namespace } from './netns.js';

/** A transfer that is complete: the receiver has read to the end, and the sender knows. */
export interface Delivery {
  megabitsPerSecond: number;
  /** Segments sent again. */
  retransmits: number;
  /** Protocol counters of the receiver, as they grew. */
  grew: Nstat;
  /** Those of the sender. */
  senderGrew: Nstat;
}

const PORT = '5302';

/** Sends exactly `bytes` by TCP to port 5302. @throws Error when another number, or a wrong byte, arrives */
export async function deliver(
  from: Namespace,
  to: Namespace,
  destination: string,
  bytes: number,
  patience = 120_000,
): Promise<Delivery> {
  const stream = await from.machine.tool('stream');
  const receiver = to.spawn(stream, ['receive', PORT, ...(destination.includes(':') ? ['6'] : [])]);
  await receiver.says(/ready/);
  const [before, sentBefore] = [await nstat(to), await nstat(from)];
  const seconds = await from.exec(stream, ['send', destination, PORT, String(bytes)], patience);
  const [after, sentAfter] = [await nstat(to), await nstat(from)];
  const [told] = await receiver.says(/received \d+ wrong \d+/);
  if (told !== `received ${bytes} wrong 0`) throw new Error(`of ${bytes} bytes: ${told}`);
  return {
    megabitsPerSecond: (bytes * 8) / 1e6 / Number(seconds),
    retransmits: sentAfter('TcpRetransSegs') - sentBefore('TcpRetransSegs'),
    grew: (name) => after(name) - before(name),
    senderGrew: (name) => sentAfter(name) - sentBefore(name),
  };
}
