/**
 * One core sends DF-set UDP as fast as it can, at a router whose clear-df has one core.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   flood on CPU 0             clear-df on CPU 1          counted in raw PREROUTING, then dropped
 *
 * All sizes fit the far link, so that one packet sent is at most one packet arrived:
 *   sent = arrived + dropped by a veth's backlog + dropped by the queue (full, or its buffer full)
 *   offered to the queue = received by clear-df + leaked by fail-open + dropped by the queue
 *   arrived with DF still set = leaked
 * Leaked and dropped packets show as gaps in the numbers that the kernel gives: the packet after them reveals them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { expect } from 'vitest';
import { type Daemon, DF_SET, foreignRule, IN_TRANSIT, startClearDf } from './clear-df.js';
import { ruleCounter } from './kernel.js';
import { accounted, closeLedger } from './ledger.js';
import { type Routed, routed, SERVER } from './topology.js';
import { flooded, installSink, startFlood } from './traffic.js';

export interface FloodRow {
  /** Bytes of the IP packet. */
  length: number;
  failOpen: boolean;
  /** With a busy process of better priority on its core it cannot keep up, and has to drop instead of leaking. */
  starved: boolean;
}

/** Where clear-df is. */
const CORE = cpus().length > 1 ? 1 : 0;
/** Of the packets sent, while clear-df has its core. */
const LEAKED_AT_MOST = 0.001;

/** The network, with somebody else's rule that queues everything in transit with DF. */
export async function floodedRouter(): Promise<Routed> {
  const net = await routed();
  await foreignRule(net.router, { match: ['-i', 'eth0', ...DF_SET, ...IN_TRANSIT] });
  await installSink(net.server);
  return net;
}

/** Seconds that its threads were ready to run and had no core, and that the machine itself was not run. */
function waited({ running: { pid } }: Daemon): number {
  const tasks = readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}/schedstat`);
  const nanoseconds = tasks.map((file) => Number(readFileSync(file, 'utf8').split(' ')[1]));
  const stolen = Number(/^cpu +(?:\d+ ){7}(\d+)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1]) / 100;
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9 + stolen;
}

/** Floods with `count` packets, and finds every one of them again. */
export async function expectCounted(
  net: Routed,
  { length, failOpen, starved }: FloodRow,
  count: number,
): Promise<void> {
  const flags = failOpen ? [] : ['--no-fail-open'];
  const daemon = await startClearDf(net.router, '0', flags, { cpu: CORE, ...(starved ? { nice: 10 } : {}) });
  // Only now: to start, it needs far more of the core than to mangle.
  if (starved) net.router.spawn('taskset', ['-c', String(CORE), 'sh', '-c', 'while :; do :; done']);
  const load = { destination: SERVER, length, cpu: 0 };
  const waitedBefore = waited(daemon);
  const flood = await flooded(await startFlood(net.client, { ...load, count }));
  await closeLedger(net);
  // Losses show as gaps in the packet numbers: one more packet closes the last gap.
  const sent = count + (await flooded(await startFlood(net.client, { ...load, count: 1 }))).sent;
  const ledger = await closeLedger(net);
  const { totals } = await daemon.settledStats();
  const without = waited(daemon) - waitedBefore;
  const offered = (await ruleCounter(net.router, 'foreign')).packets;
  const rate = (packets: number): string => `${(packets / flood.seconds / 1000).toFixed(0)} k/s`;
  console.log(
    `${length} bytes, fail-open ${failOpen}, starved ${starved}: sent ${sent} (${rate(sent)}), offered ${offered}, ` +
      `received ${totals.packets} (${rate(totals.packets)}), ${(totals.packets / totals.batches).toFixed(1)} a batch; ` +
      `arrived ${ledger.arrived.total}, with DF ${ledger.arrived.withDf}; leaked ${totals.leaked}, ` +
      `overrun ${totals.overrun}, ENOBUFS ${totals.enobufs}; dropped: veth ${ledger.deviceDropped}, ` +
      `queue ${ledger.queueDropped}, user ${ledger.userDropped}; ${without.toFixed(2)} s without a core`,
  );

  expect(daemon.running.ended).toBeUndefined();
  expect(flood.sent).toBe(count);
  expect(totals.packets).toBeGreaterThan(0);
  expect(totals.verdicts).toBe(totals.packets);
  expect(totals).toMatchObject({ verdictErrors: 0, receiveErrors: 0 });
  expect(totals.cleared).toBe(totals.packets);
  // Nothing is lost that was not counted.
  expect(accounted(ledger)).toBe(sent);
  expect(totals.packets + totals.leaked + ledger.queueDropped + ledger.userDropped).toBe(offered);
  expect(ledger.arrived.withDf).toBe(totals.leaked);
  expect(totals.overrun).toBe(ledger.queueDropped + ledger.userDropped);
  // What comes while it is not run at all, it cannot take.
  const missed = (without * sent) / flood.seconds;
  expect(totals.leaked).toBeLessThanOrEqual(failOpen ? LEAKED_AT_MOST * sent + missed : 0);
  // Which is most of it where it is starved: what it may leak is little of what it sheds.
  if (starved) expect(totals.overload).toBeGreaterThan(totals.leaked);
  expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
}
