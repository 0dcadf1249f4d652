/** Floods, and a stall, counted to the last packet; drawn in `test/helpers/flood-suite.ts`. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startClearDf } from '../helpers/clear-df.js';
import { expectCounted, floodedRouter, type FloodRow } from '../helpers/flood-suite.js';
import { queue } from '../helpers/kernel.js';
import { accountedAfter, closeLedger, lastWord } from '../helpers/ledger.js';
import { type Routed, SERVER } from '../helpers/topology.js';
import { arrived, flooded, startFlood } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';

/** Several times what waits in the queue's buffer; `flood.more.ts` goes on for ten times as long. */
const COUNT = 500_000;

let net: Routed;
beforeEach(async () => {
  net = await floodedRouter();
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

it.each<FloodRow>([
  { length: 64, failOpen: true, starved: false },
  { length: 200, failOpen: false, starved: false },
  { length: 64, failOpen: true, starved: true },
])(
  'a flood of $length-byte packets, fail-open $failOpen, starved $starved, is counted to the last packet',
  async (row) => expectCounted(net, row, COUNT),
);

/**
 * A stopped process reads nothing: the first packets fill its receive buffer, the others find it full.
 * A megabyte holds some thousand packets, each accounted with its buffer's true size, far fewer than STALLED.
 */
it.each([{ failOpen: true }, { failOpen: false }])('a stall, fail-open $failOpen, is counted', async ({ failOpen }) => {
  const STALLED = 50_000;
  const flags = ['--receive-buffer', '1048576', ...(failOpen ? [] : ['--no-fail-open'])];
  const daemon = await startClearDf(net.router, '0', flags);
  const load = { destination: SERVER, length: 200 };
  daemon.running.kill('SIGSTOP');
  const { sent } = await flooded(await startFlood(net.client, { ...load, count: STALLED }));
  expect(sent).toBe(STALLED);
  const held = (await queue(net.router, 0))?.waiting as number;
  const missed = STALLED - held;
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

/**
 * A flood into the smallest receive buffer leaves no room for the kernel's answers to what the end asks of it either. The
 * rule is somebody else's and has bypass: what comes after the end passes with DF, and is in nobody's counters.
 */
it('TERM in a flood into a receive buffer of 64 KiB ends a run, with every packet accounted for', async () => {
  const daemon = await startClearDf(net.router, '0', ['--receive-buffer', '65536']);
  const flood = await startFlood(net.client, { destination: SERVER, length: 200 });
  const more = async (packets: number) => (await arrived(net.server)).total > packets;
  await until('the flood is under way', () => more(1000));
  expect(await daemon.stop()).toEqual({ exitCode: 0, signal: undefined });
  const { total } = await arrived(net.server);
  await until('it goes on behind the end', () => more(total));
  flood.kill();
  const { sent } = await flooded(flood);

  const [ledger, last] = [await closeLedger(net), lastWord(daemon.running)];
  expect(accountedAfter(ledger, last)).toBe(sent);
  expect(ledger.arrived.withoutDf).toBe(last.cleared);
  expect(last).toMatchObject({ verdicts: last.packets, verdictErrors: 0 });
  expect(ledger.arrived.withDf).toBeGreaterThanOrEqual(last.leaked);
});
