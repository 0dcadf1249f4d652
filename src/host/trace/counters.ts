/** The kernel's counters that tell where packets went, of this network namespace. */
import { readFileSync } from 'node:fs';
import { ClearDfError } from '../../errors.js';
import { FAST_RESULT_NAMES } from '../../fast-path/counters.js';
import { fastCounterOf, type TracedProgram } from '../../trace/fast-path.js';
import { type Counters, txErrorsOf } from '../../trace/growth.js';
import type { Runner } from '../exec.js';
import { parseCounters } from '../read/counters.js';
import { listPrograms } from '../read/fast-path.js';
import { listLinks } from '../read/links.js';
import { readKernelQueues } from '../read/queues.js';

/** Of /proc/net/snmp: what is refused, and what is cut and put together. */
const IP = [
  ...['IpInHdrErrors', 'IpInAddrErrors', 'IpInUnknownProtos', 'IpInDiscards', 'IpOutDiscards', 'IpOutNoRoutes'],
  ...['IpReasmFails', 'IpFragFails', 'IpFragOKs', 'IpFragCreates', 'IpReasmOKs'],
];

interface TraceReading {
  counters: Counters;
  /** Of the fast path, whose counters are among the others. */
  programs: readonly TracedProgram[];
}

/**
 * All of them now. Those that this kernel does not have are left out.
 * @param unread gets the reason when it is not known which programs of the fast path there are
 */
export async function readTraceCounters(
  runner: Runner,
  unread: (reason: string) => void = () => undefined,
): Promise<TraceReading> {
  const counters = new Map<string, number>();
  for (const { ifname, stats64 } of (await listLinks(runner, ['-s'])).links) {
    if (stats64?.rx === undefined) continue;
    const { rx, tx } = stats64;
    counters.set(txErrorsOf(ifname), tx.errors);
    counters.set(`${ifname} TX dropped`, tx.dropped);
    counters.set(`${ifname} TX collisions`, tx.collisions);
    counters.set(`${ifname} RX errors`, rx.errors);
    counters.set(`${ifname} RX dropped`, rx.dropped);
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
  const programs = await readPrograms(runner, unread);
  for (const program of programs) {
    for (const name of ['packets', ...FAST_RESULT_NAMES] as const) {
      if (program.counters !== undefined) counters.set(fastCounterOf(program, name), program.counters[name]);
    }
  }
  return { counters, programs };
}

async function readPrograms(runner: Runner, unread: (reason: string) => void): ReturnType<typeof listPrograms> {
  try {
    return await listPrograms(runner);
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    unread(error.message);
    return [];
  }
}

function text(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
