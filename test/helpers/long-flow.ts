/** UDP and TCP side by side for a while, at rates that leave a guest time for everything else. */
import { nstat } from './kernel.js';
import { must } from './machine.js';
import type { Namespace } from './netns.js';

export interface LongFlow {
  /**
   * Datagrams, by iperf3's own sequence numbers. `overrun`: packets of any kind that the machine counted as dropped because
   * it came to them too late, in a CPU's backlog or before the receiver read.
   */
  udp: { sent: number; lost: number; outOfOrder: number; overrun: number };
  tcp: { megabytes: number; retransmits: number };
}

/** Bytes of the largest socket buffer: a guest that was not run for a moment must not lose by it what has arrived. */
const ROOM = 8 << 20;
const UDP_PORT = '5211';
const TCP_PORT = '5212';

/** @param size bytes of UDP payload: 1472 fills 1500; TCP fills its segments up to the same IP packet */
export async function longFlow(
  from: Namespace,
  to: Namespace,
  destination: string,
  { seconds, size = 1472 }: { seconds: number; size?: number },
): Promise<LongFlow> {
  const room = ['net.core.rmem_max', 'net.core.wmem_max'].map((name) => `${name}=${ROOM}`);
  await must(from.machine, ['sysctl', '-qw', ...room]);
  const before = await overrun(to);
  const servers = [UDP_PORT, TCP_PORT].map((port) => to.spawn('iperf3', ['-s', '-1', '-p', port, '--forceflush']));
  for (const server of servers) await server.says(/Server listening/);
  const client = async (port: string, ...args: string[]): Promise<string> =>
    from.exec('iperf3', ['-c', destination, '-p', port, '-J', '-t', String(seconds), ...args], (seconds + 60) * 1000);
  const [udp, tcp] = await Promise.all([
    client(UDP_PORT, '-u', '-b', '1M', '-w', String(ROOM / 4), '-l', String(size)),
    // 28: headers of IP and UDP; 40: of IP and TCP. Twelve of timestamps come off by themselves.
    client(TCP_PORT, '-b', '2M', '-M', String(size + 28 - 40)),
  ]);
  for (const server of servers) await server.stop();
  const { end: datagrams } = JSON.parse(udp) as { end: { sum: { packets: number; lost_packets: number } } };
  const { end: stream } = JSON.parse(tcp) as {
    end: { sum_sent: { retransmits: number }; sum_received: { bytes: number } };
  };
  const outOfOrder = Number((/"out_of_order":\s*(\d+)/.exec(udp) ?? [])[1] ?? 0);
  return {
    udp: {
      sent: datagrams.sum.packets,
      lost: datagrams.sum.lost_packets,
      outOfOrder,
      overrun: (await overrun(to)) - before,
    },
    tcp: { megabytes: stream.sum_received.bytes / 1e6, retransmits: stream.sum_sent.retransmits },
  };
}

/** Of the whole machine, and of the receiver's sockets. */
async function overrun(to: Namespace): Promise<number> {
  // A line for each CPU, hexadecimal: processed, dropped (net/core/net-procfs.c).
  const lines = (await must(to.machine, ['cat', '/proc/net/softnet_stat'])).trim().split('\n');
  const backlog = lines.reduce((sum, line) => sum + Number.parseInt(line.split(' ')[1] ?? '', 16), 0);
  return backlog + (await nstat(to))('UdpRcvbufErrors');
}
