/** Where every packet of a flood went: sent on one side, arrived or counted as lost on the other. */
import { device, queues } from './kernel.js';
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
