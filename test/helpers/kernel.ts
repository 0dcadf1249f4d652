/** What the kernel itself counted, namespace by namespace. */
import type { Namespace } from './netns.js';

/** Protocol counters by nstat's names: `IpReasmFails`, `TcpInCsumErrors`, … 0 when never counted. */
export type Nstat = (name: string) => number;

/** Absolute protocol counters (`/proc/net/snmp` and `/proc/net/netstat`). */
export async function nstat(namespace: Namespace): Promise<Nstat> {
  const { kernel } = JSON.parse(await namespace.exec('nstat', ['-aszj'])) as { kernel: Record<string, number> };
  return (name) => {
    const value = kernel[name];
    if (value === undefined) throw new Error(`nstat knows no ${name}`);
    return value;
  };
}

/** One line of `/proc/net/netfilter/nfnetlink_queue`. */
export interface QueueLine {
  queue: number;
  portId: number;
  /** Packets waiting for a verdict now. */
  waiting: number;
  /** Dropped because the queue was full. */
  queueDropped: number;
  /** Dropped because the netlink receive buffer was full. */
  userDropped: number;
  /** Packets offered to user space since binding. */
  sequence: number;
}

/** Every bound queue of the namespace, by number. */
export async function queues(namespace: Namespace): Promise<QueueLine[]> {
  // The file comes with the module, which the first that binds a queue loads.
  const { stdout, stderr } = await namespace.try('cat', ['/proc/net/netfilter/nfnetlink_queue']);
  if (stderr !== '' && !stderr.includes('No such file')) throw new Error(stderr);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter((columns) => columns.length >= 8)
    .map(([queue, portId, waiting, , , queueDropped, userDropped, sequence]) => ({
      queue: queue as number,
      portId: portId as number,
      waiting: waiting as number,
      queueDropped: queueDropped as number,
      userDropped: userDropped as number,
      sequence: sequence as number,
    }));
}

/** The line of one queue, undefined when nobody holds it. */
export async function queue(namespace: Namespace, number: number): Promise<QueueLine | undefined> {
  return (await queues(namespace)).find((line) => line.queue === number);
}

/** What a rule has matched. */
export interface RuleCounter {
  packets: number;
  bytes: number;
}

/** Of the iptables rules that carry these comments, in one reading. @throws Error when there is no such rule */
export async function ruleCounters(
  namespace: Namespace,
  comments: readonly string[],
  backend = 'iptables',
): Promise<RuleCounter[]> {
  const lines = (await namespace.exec(`${backend}-save`, ['-c'])).split('\n');
  return comments.map((comment) => {
    const carries = (text: string) => text.includes(`--comment ${comment} `) || text.includes(`--comment "${comment}"`);
    const match = /^\[(\d+):(\d+)\]/.exec(lines.find(carries) ?? '');
    if (!match) throw new Error(`no iptables rule with comment ${comment}`);
    return { packets: Number(match[1]), bytes: Number(match[2]) };
  });
}

/** As {@link ruleCounters}, of one. */
export async function ruleCounter(namespace: Namespace, comment: string, backend?: string): Promise<RuleCounter> {
  return (await ruleCounters(namespace, [comment], backend))[0] as RuleCounter;
}

/** `iptables-save` without counters and the lines that hold a date: what two states are compared by. */
export async function rulesText(namespace: Namespace): Promise<string> {
  const text = await namespace.exec('iptables-save');
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.replace(/\[\d+:\d+\]/, ''))
    .join('\n');
}

/** Device counters of `ip -s link`. */
export interface DeviceCounters {
  rx: number;
  tx: number;
  rxDropped: number;
  txDropped: number;
}

export async function device(namespace: Namespace, dev: string): Promise<DeviceCounters> {
  const [link] = JSON.parse(await namespace.ip('-j', '-s', 'link', 'show', 'dev', dev)) as [
    { stats64: Record<'rx' | 'tx', { packets: number; dropped: number }> },
  ];
  const { rx, tx } = link.stats64;
  return { rx: rx.packets, tx: tx.packets, rxDropped: rx.dropped, txDropped: tx.dropped };
}

/** What the kernel counts as trouble of IPsec, by name; only what is not 0. */
export async function xfrmTroubles(namespace: Namespace): Promise<Record<string, number>> {
  const lines = (await namespace.read('/proc/net/xfrm_stat')).split('\n').map((line) => line.trim().split(/\s+/));
  return Object.fromEntries(
    lines.filter(([, value]) => Number(value) > 0).map(([name = '', value]) => [name, Number(value)]),
  );
}
