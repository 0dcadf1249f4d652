/**
 * What waits in a queue stays there, whatever clear-df does to rules: with a base chain of nft's that goes the kernel
 * discards all packets that wait in any queue of the network namespace (nf_unregister_net_hook()), and counts them
 * nowhere.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clearDf, foreignRule, startClearDf } from '../helpers/clear-df.js';
import { HeldWorker } from '../helpers/held-worker.js';
import { queue } from '../helpers/kernel.js';
import { lastWord } from '../helpers/ledger.js';
import { type Routed, routed, SERVER } from '../helpers/topology.js';
import { arrived, flooded, installSink, startFlood } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';

/** Has a chain before connection tracking as well. */
const RULES = ['--forwarded', '--in-dev', 'eth0', '--out-dev', 'eth1', '--backend', 'iptables-nft'];
const COUNT = 500;

let net: Routed;
beforeEach(async () => {
  net = await routed();
  await installSink(net.server);
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

async function waits(number: number): Promise<number> {
  return (await queue(net.router, number))?.waiting ?? 0;
}

async function flood(length: number): Promise<void> {
  expect((await flooded(await startFlood(net.client, { destination: SERVER, length, count: COUNT }))).sent).toBe(COUNT);
}

it("of another program's queue, when a run starts, reads its file again, and rules are installed", async () => {
  const { router } = net;
  // Of the small ones, which are none of the run's, another one takes all and answers none.
  await foreignRule(router, { chain: 'FORWARD', match: ['-p', 'udp'], queue: ['--queue-num', '9'] });
  const other = await startClearDf(router, '9', []);
  other.running.kill('SIGSTOP');
  await flood(200);
  await until('they wait', async () => (await waits(9)) === COUNT);

  const running = router.spawn(router.machine.node, [
    ...[router.machine.main, 'run', '--queue', '0', '--install-rules', '--metrics', 'off'],
    ...RULES,
  ]);
  await running.says(/clear-df is running/);
  expect(await waits(9)).toBe(COUNT);
  running.kill('SIGHUP');
  await running.says(/HUP without --config/);
  expect(await waits(9)).toBe(COUNT);
  // Replaces rules and chains by the same ones, then by others.
  for (const more of [[], ['--include-quic']]) {
    const { exitCode, stderr } = await clearDf(router, ['rules', 'install', '--queue', '0', ...RULES, ...more]);
    expect(exitCode, stderr).toBe(0);
    expect(await waits(9)).toBe(COUNT);
  }
});

it('of its own, at TERM: the tables go when all is answered', async () => {
  const { router, server } = net;
  const daemon = await startClearDf(router, '0', ['--install-rules', ...RULES]);
  const worker = await HeldWorker.of(daemon, 0);
  await flood(1500);
  await until('they wait', async () => (await waits(0)) === COUNT);
  daemon.running.kill('SIGTERM');
  await worker.toldToEnd();
  await worker.letGo();
  expect(await daemon.running.wait()).toMatchObject({ exitCode: 0 });
  expect(lastWord(daemon.running)).toMatchObject({ packets: COUNT, cleared: COUNT, verdicts: COUNT, verdictErrors: 0 });
  // The first fragment of each.
  await until('all have come', async () => (await arrived(server)).total === COUNT);
  expect(await router.exec('nft', ['list', 'ruleset'])).not.toContain('clear');
});
