/** The kernel's counters that tell where packets went, of this network namespace. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { type Counters, txErrorsOf } from '../../trace/growth.js';
import type { Runner } from '../exec.js';
import { readJson } from '../facts/json.js';
import { parseCounters } from '../doctor/counters.js';
import { readKernelQueues } from '../kernel-queues.js';

const side = z.object({ errors: z.number(), dropped: z.number(), collisions: z.number().optional() });
const listing = z.array(
  z.union([z.object({ ifname: z.string(), stats64: z.object({ rx: side, tx: side }).optional() }), z.strictObject({})]),
);

/** Of /proc/net/snmp: what is refused, and what is cut and put together. */
const IP = [
  ...['IpInHdrErrors', 'IpInAddrErrors', 'IpInUnknownProtos', 'IpInDiscards', 'IpOutDiscards', 'IpOutNoRoutes'],
  ...['IpReasmFails', 'IpFragFails', 'IpFragOKs', 'IpFragCreates', 'IpReasmOKs'],
];

/** All of them now. Those that this kernel does not have are left out. */
export async function readTraceCounters(runner: Runner): Promise<Counters> {
  const counters = new Map<string, number>();
  const words = ['-s', '-j', 'link', 'show'];
  for (const one of readJson(listing, await runner.query('ip', words), `ip ${words.join(' ')}`)) {
    if (!('ifname' in one) || one.stats64 === undefined) continue;
    const { rx, tx } = one.stats64;
    counters.set(txErrorsOf(one.ifname), tx.errors);
    counters.set(`${one.ifname} TX dropped`, tx.dropped);
    counters.set(`${one.ifname} TX collisions`, tx.collisions ?? 0);
    counters.set(`${one.ifname} RX errors`, rx.errors);
    counters.set(`${one.ifname} RX dropped`, rx.dropped);
  }
  const ip = parseCounters(text('/proc/net/snmp'));
  for (const name of IP) counters.set(name, ip.get(name) ?? 0);
  for (const [, name = '', value] of text('/proc/net/xfrm_stat').matchAll(/^(Xfrm\w+)\s+(\d+)$/gm))
    counters.set(name, Number(value));
  const queues = readKernelQueues();
  for (const { queue, queueDropped, userDropped, idSequence } of queues.state === 'known' ? queues.rows : []) {
    counters.set(`queue ${queue} packets`, idSequence);
    counters.set(`queue ${queue} dropped, full`, queueDropped);
    counters.set(`queue ${queue} dropped, receive buffer full`, userDropped);
  }
  return counters;
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
