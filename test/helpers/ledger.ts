/** Where every packet of a flood went: sent on one side, arrived or counted as lost on the other. */
import { type Counters, zeroCounters } from '../../src/counters.js';
import { device, queues } from './kernel.js';
import type { Running } from './running.js';
import type { Routed } from './topology.js';
import { arrived, type Arrived } from './traffic.js';
import { settled } from './until.js';

export interface Ledger {
  arrived: Arrived;
  /** Dropped by a veth because the backlog of the peer's core was full. */
  deviceDropped: number;
  /** Dropped by nfnetlink_queue: queue full, receive buffer full. */
  queueDropped: number;
  userDropped: number;
}

async function read({ client, router, server }: Routed): Promise<Ledger> {
  const lines = await queues(router);
  const sum = (pick: (line: (typeof lines)[number]) => number): number => lines.map(pick).reduce((a, b) => a + b, 0);
  return {
    arrived: await arrived(server),
    deviceDropped: (await device(client, 'eth0')).txDropped + (await device(router, 'eth1')).txDropped,
    queueDropped: sum(({ queueDropped }) => queueDropped),
    userDropped: sum(({ userDropped }) => userDropped),
  };
}

/** Reads the books once nothing arrives any more. */
export async function closeLedger(net: Routed): Promise<Ledger> {
  await settled('what arrives', async () => (await arrived(net.server)).total);
  return read(net);
}

/** Packets that are accounted for: to be equal to those sent. */
export function accounted({ arrived: { total }, deviceDropped, queueDropped, userDropped }: Ledger): number {
  return total + deviceDropped + queueDropped + userDropped;
}

/** What `clear-df run` says of its whole life at its end. @throws Error when it does not */
export function lastWord({ stderr }: Running): Counters {
  const line = stderr
    .split('\n')
    .filter((text) => text.includes('"msg":"ended: '))
    .at(-1);
  if (line === undefined) throw new Error(`no last line in: ${stderr.slice(-2000)}`);
  const { msg: _, ...fields } = JSON.parse(line) as { msg: string } & Partial<Counters>;
  return { ...zeroCounters(), ...fields };
}

/** {@link accounted} after the end: the queue is gone, and with it what the kernel counted of it. */
export function accountedAfter(
  { arrived: { total }, deviceDropped }: Ledger,
  { overrun, requeueLost }: Counters,
): number {
  return total + deviceDropped + overrun + requeueLost;
}
