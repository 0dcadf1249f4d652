/** UDP between namespaces by iperf3, and what became of it. */
import { type Nstat, nstat } from './kernel.js';
import type { Namespace } from './netns.js';

export interface Datagrams {
  sent: number;
  /** By iperf3's own sequence numbers. */
  lost: number;
  outOfOrder: number;
  /** Protocol counters of the receiver, as they grew. */
  grew: Nstat;
}

export interface DatagramOptions {
  count: number;
  /** Bytes of UDP payload: 1472 fills 1500. */
  size?: number;
  /** Bits a second. */
  rate?: string;
  /** Pin the sender to this core. */
  cpu?: number;
}

/** Sends `count` datagrams, with DF as Linux sets it on UDP. */
export async function datagrams(
  from: Namespace,
  to: Namespace,
  destination: string,
  { count, size = 1472, rate = '5M', cpu }: DatagramOptions,
): Promise<Datagrams> {
  const server = to.spawn('iperf3', ['-s', '-1', '--forceflush']);
  await server.says(/Server listening/);
  const before = await nstat(to);
  const amount = ['-u', '-l', String(size), '-k', String(count), '-b', rate];
  const pinned = cpu === undefined ? [] : ['taskset', '-c', String(cpu)];
  const [command = '', ...args] = [...pinned, 'iperf3', '-c', destination, '-J', ...amount];
  const { stdout, exitCode } = await from.try(command, args, 120_000);
  const after = await nstat(to);
  if (exitCode !== 0) throw new Error(`iperf3 failed: ${stdout}`);
  await server.stop();
  const { end } = JSON.parse(stdout) as { end: { sum: { packets: number; lost_packets: number } } };
  const outOfOrder = (/"out_of_order":\s*(\d+)/.exec(stdout) ?? [])[1];
  return {
    sent: end.sum.packets,
    lost: end.sum.lost_packets,
    outOfOrder: Number(outOfOrder ?? 0),
    grew: (name) => after(name) - before(name),
  };
}
