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
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DF_SET, foreignRule, IN_TRANSIT, startClearDf } from '../helpers/clear-df.js';
import { queue, ruleCounter } from '../helpers/kernel.js';
import { accounted, closeLedger } from '../helpers/ledger.js';
import { type Routed, routed, SERVER } from '../helpers/topology.js';
import { flooded, installSink, startFlood } from '../helpers/traffic.js';

const SECONDS = 12;

let net: Routed;
beforeEach(async () => {
  net = await routed();
  await foreignRule(net.router, { match: ['-i', 'eth0', ...DF_SET, ...IN_TRANSIT] });
  await installSink(net.server);
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

it.each([
  { length: 64, failOpen: true, starved: false },
  { length: 200, failOpen: true, starved: false },
  { length: 1400, failOpen: true, starved: false },
  { length: 200, failOpen: false, starved: false },
  // With a busy process of better priority on its core it cannot keep up, and has to drop instead of leaking.
  { length: 64, failOpen: true, starved: true },
])(
  'a flood of $length-byte packets, fail-open $failOpen, starved $starved, is counted to the last packet',
  async (row) => {
    const { length, failOpen, starved } = row;
    const daemon = await startClearDf(net.router, '0', failOpen ? [] : ['--no-fail-open'], {
      cpu: 1,
      ...(starved ? { nice: 10 } : {}),
    });
    // Only now: to start, it needs far more of the core than to mangle.
    if (starved) net.router.spawn('taskset', ['-c', '1', 'sh', '-c', 'while :; do :; done']);
    const load = { destination: SERVER, length, seconds: starved ? SECONDS / 3 : SECONDS, cpu: 0 };
    const flood = await flooded(await startFlood(net.client, load));
    await closeLedger(net);
    // Losses show as gaps in the packet numbers: one more packet closes the last gap.
    flood.sent += (await flooded(await startFlood(net.client, { ...load, count: 1 }))).sent;
    const ledger = await closeLedger(net);
    const { totals } = await daemon.settledStats();
    const offered = (await ruleCounter(net.router, 'foreign')).packets;
    const rate = (packets: number): string => `${(packets / flood.seconds / 1000).toFixed(0)} k/s`;
    console.log(
      `${length} bytes, fail-open ${failOpen}, starved ${starved}: sent ${flood.sent} (${rate(flood.sent)}), offered ${offered}, ` +
        `received ${totals.packets} (${rate(totals.packets)}), ${(totals.packets / totals.batches).toFixed(1)} a batch; ` +
        `arrived ${ledger.arrived.total}, with DF ${ledger.arrived.withDf}; leaked ${totals.leaked}, ` +
        `overrun ${totals.overrun}, ENOBUFS ${totals.enobufs}; dropped: veth ${ledger.deviceDropped}, ` +
        `queue ${ledger.queueDropped}, user ${ledger.userDropped}`,
    );

    expect(daemon.running.ended).toBeUndefined();
    expect(totals.packets).toBeGreaterThan(0);
    expect(totals.verdicts).toBe(totals.packets);
    expect(totals).toMatchObject({ verdictErrors: 0, receiveErrors: 0 });
    expect(totals.cleared).toBe(totals.packets);
    // Nothing is lost that was not counted.
    expect(accounted(ledger)).toBe(flood.sent);
    expect(totals.packets + totals.leaked + ledger.queueDropped + ledger.userDropped).toBe(offered);
    expect(ledger.arrived.withDf).toBe(totals.leaked);
    expect(totals.overrun).toBe(ledger.queueDropped + ledger.userDropped);
    expect(totals.leaked).toBeLessThan(failOpen ? 0.001 * flood.sent : 1);
    expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
  },
  120_000,
);

/**
 * A stopped process reads nothing: the first packets fill its receive buffer, the others find it full.
 * A megabyte holds some thousand packets, each accounted with its buffer's true size, far fewer than COUNT.
 */
it.each([{ failOpen: true }, { failOpen: false }])('a stall, fail-open $failOpen, is counted', async ({ failOpen }) => {
  const COUNT = 50_000;
  const flags = ['--receive-buffer', '1048576', ...(failOpen ? [] : ['--no-fail-open'])];
  const daemon = await startClearDf(net.router, '0', flags);
  const load = { destination: SERVER, length: 200, seconds: 60 };
  daemon.running.kill('SIGSTOP');
  const { sent } = await flooded(await startFlood(net.client, { ...load, count: COUNT }));
  expect(sent).toBe(COUNT);
  const held = (await queue(net.router, 0))?.waiting as number;
  const missed = COUNT - held;
  expect(held).toBeGreaterThan(0);
  expect(missed).toBeGreaterThan(0);
  daemon.running.kill('SIGCONT');
  await daemon.settledStats();
  await flooded(await startFlood(net.client, { ...load, count: 1 }));

  const ledger = await closeLedger(net);
  expect(ledger.arrived.withoutDf).toBe(held + 1);
  expect(ledger.arrived.withDf).toBe(failOpen ? missed : 0);
  expect(ledger).toMatchObject({ deviceDropped: 0, queueDropped: 0, userDropped: failOpen ? 0 : missed });
  const { totals } = await daemon.settledStats();
  expect(totals).toMatchObject({ packets: held + 1, cleared: held + 1, verdicts: held + 1, verdictErrors: 0 });
  expect(totals).toMatchObject({ leaked: failOpen ? missed : 0, overrun: failOpen ? 0 : missed });
  const kind = failOpen ? 'leaking' : 'overrun';
  await daemon.running.says(new RegExp(`"kind":"${kind}"`));
});
