/** Traffic between namespaces, and what became of it. */
import { ruleCounters } from './kernel.js';
import type { Namespace } from './netns.js';
import type { Running } from './running.js';
import { patient } from './slowness.js';

export interface Pinged {
  sent: number;
  received: number;
  /** Percent. */
  loss: number;
  output: string;
}

export interface PingOptions {
  /** Bytes of ICMP payload: 1472 fills 1500. */
  size?: number;
  count?: number;
  /** Set DF (`-M do`, the default) or not (`-M dont`). */
  dontFragment?: boolean;
  /** Seconds to wait for the last answer, on a quiet machine. Where none is expected, fewer cost nothing. */
  patience?: number;
}

/**
 * Pings `destination`, all requests at once. The interval is how long ping waits for the last answer once it has had
 * one (`-W` counts only before), so it is the patience as well.
 */
export async function ping(from: Namespace, destination: string, options: PingOptions = {}): Promise<Pinged> {
  const { size = 1472, count = 3, dontFragment = true, patience = 5 } = options;
  const seconds = String(patient(1000 * patience) / 1000);
  const { stdout, stderr } = await from.try('ping', [
    ...['-n', '-M', dontFragment ? 'do' : 'dont', '-s', String(size), '-c', String(count), '-l', String(count)],
    ...['-i', seconds, '-W', seconds, destination],
  ]);
  const summary = /(\d+) packets transmitted, (\d+) received/.exec(stdout);
  if (!summary) throw new Error(`ping printed no summary: ${stdout}${stderr}`);
  const [sent, received] = [Number(summary[1]), Number(summary[2])];
  return { sent, received, loss: (100 * (sent - received)) / sent, output: `${stdout}\n${stderr}`.trim() };
}

/** What `flood` sent. */
export interface Flooded {
  sent: number;
  errors: number;
  seconds: number;
}

export interface FloodOptions {
  destination: string;
  /** Whole IP packet, in bytes. */
  length: number;
  /** Stop after so long; only where no condition can end it. */
  seconds?: number;
  /** Stop after so many packets. Without both it goes on until it is killed. */
  count?: number;
  cpu?: number;
}

export const FLOOD_PORT = 9;
/** Seconds after which a flood is not under way, but stuck. */
const HANGS = patient(600_000) / 1000;

/** Starts the DF-set UDP flood, pinned to one core; `wait` on it and read it with {@link flooded}. */
export async function startFlood(from: Namespace, options: FloodOptions): Promise<Running> {
  const { destination, length, seconds = HANGS, count, cpu = 0 } = options;
  const args = [destination, FLOOD_PORT, length, seconds, ...(count === undefined ? [] : [count])].map(String);
  return from.spawn('taskset', ['-c', String(cpu), await from.machine.tool('flood'), ...args]);
}

/** Waits for the flood's end, which SIGTERM hastens, and reads what it printed. */
export async function flooded(flood: Running, timeout = 600_000): Promise<Flooded> {
  const { exitCode } = await flood.wait(timeout);
  if (exitCode !== 0) throw new Error(`flood failed: ${flood.stderr}`);
  return JSON.parse(flood.stdout) as Flooded;
}

/** Counts the flood's packets in the kernel, with and without DF, and drops them. */
export async function installSink(at: Namespace, dev = 'eth0'): Promise<void> {
  const match = ['-i', dev, '-p', 'udp', '--dport', String(FLOOD_PORT)];
  const rule = (comment: string, more: string[]): Promise<string> =>
    at.exec('iptables', [
      ...['-t', 'raw', '-A', 'PREROUTING', ...match, ...more],
      ...['-m', 'comment', '--comment', comment, '-j', 'DROP'],
    ]);
  await rule('with-df', ['-m', 'u32', '--u32', '4&0x4000=0x4000']);
  await rule('without-df', []);
}

/** Packets that arrived at the sink. */
export interface Arrived {
  withDf: number;
  withoutDf: number;
  total: number;
}

export async function arrived(at: Namespace): Promise<Arrived> {
  const [withDf, withoutDf] = (await ruleCounters(at, ['with-df', 'without-df'])).map(({ packets }) => packets) as [
    number,
    number,
  ];
  return { withDf, withoutDf, total: withDf + withoutDf };
}
