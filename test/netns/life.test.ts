/**
 * Starts, ends and accidents, while packets flow.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   flood (DF set)             clear-df                   counted in raw PREROUTING, then dropped
 *
 * 200-byte packets fit every link: one sent is one arrived, and DF on arrival tells whether it went
 * through clear-df (clear) or by it (set).
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DF_SET, foreignRule, IN_TRANSIT, startClearDf } from '../helpers/clear-df.js';
import { HeldWorker } from '../helpers/held-worker.js';
import { nstat, queue } from '../helpers/kernel.js';
import { accountedAfter, closeLedger, lastWord } from '../helpers/ledger.js';
import { type Routed, ROUTER, routed, SERVER, CLIENT } from '../helpers/topology.js';
import { tool } from '../helpers/tools.js';
import { arrived, flooded, installSink, ping, startFlood } from '../helpers/traffic.js';
import { settled, until } from '../helpers/until.js';

const TRANSIT = ['-i', 'eth0', ...DF_SET, ...IN_TRANSIT];
const LENGTH = 200;

let net: Routed;
beforeEach(async () => {
  net = await routed();
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

describe('under load', () => {
  beforeEach(async () => {
    await foreignRule(net.router, { match: TRANSIT });
    await installSink(net.server);
  });

  it('SIGKILL: traffic goes on by bypass, and the next start binds the queue again', async () => {
    const { client, router, server } = net;
    const first = await startClearDf(router, '0');
    const flood = await startFlood(client, { destination: SERVER, length: LENGTH, seconds: 60 });
    await until('packets go through clear-df', async () => (await arrived(server)).withoutDf > 10_000);

    await first.stop('SIGKILL');
    expect(await queue(router, 0)).toBeUndefined();
    const { withDf } = await arrived(server);
    await until('packets go by it', async () => (await arrived(server)).withDf > withDf + 10_000);

    const second = await startClearDf(router, '0');
    const { withoutDf } = await arrived(server);
    await until('packets go through it again', async () => (await arrived(server)).withoutDf > withoutDf + 10_000);
    expect((await second.stats()).totals.cleared).toBeGreaterThan(10_000);
    flood.kill();
    await flood.end;
    expect(await second.stop()).toMatchObject({ exitCode: 0 });
  });

  // A core that sends outruns the one that answers, or not: either way the last word accounts for every packet.
  it.each([[[]], [['--no-fail-open']]])('SIGTERM: no packet is lost %j', async (flags) => {
    const { client, router, server } = net;
    const daemon = await startClearDf(router, '0', flags);
    const flood = await startFlood(client, { destination: SERVER, length: LENGTH });
    await until('packets go through clear-df', async () => (await arrived(server)).withoutDf > 10_000);
    expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
    expect(await queue(router, 0)).toBeUndefined();
    const { withDf } = await arrived(server);
    await until('packets go by it', async () => (await arrived(server)).withDf > withDf + 10_000);
    flood.kill();
    const { sent } = await flooded(flood);
    const ledger = await closeLedger(net);
    const end = lastWord(daemon.running);
    expect(accountedAfter(ledger, end)).toBe(sent);
    // Each that was received got its verdict; what is not among the arrived, a device has dropped behind it.
    expect(end).toMatchObject({ verdicts: end.packets, cleared: end.packets, verdictErrors: 0, receiveErrors: 0 });
    expect(ledger.arrived.withoutDf).toBeLessThanOrEqual(end.packets);
    expect(ledger.arrived.withoutDf).toBeGreaterThanOrEqual(end.packets - ledger.deviceDropped);
  });

  it('SIGTERM with packets waiting in the queue: each is answered first, with DF cleared', async () => {
    const { client, router } = net;
    const count = 5000;
    const daemon = await startClearDf(router, '0');
    const worker = await HeldWorker.of(daemon, 0);
    await flooded(await startFlood(client, { destination: SERVER, length: LENGTH, seconds: 30, count }));
    await until('all wait in the queue', async () => (await queue(router, 0))?.waiting === count);
    daemon.running.kill('SIGTERM');
    await worker.toldToEnd();
    await worker.letGo();
    expect(await daemon.running.wait()).toMatchObject({ exitCode: 0 });
    const ledger = await closeLedger(net);
    expect(ledger).toMatchObject({ deviceDropped: 0 });
    expect(ledger.arrived).toEqual({ withDf: 0, withoutDf: count, total: count });
  });

  it('SIGTERM: what comes to a queue that has been answered passes by it, for as long as another one keeps the end', async () => {
    const { client, router } = net;
    const count = 1000;
    await router.exec('iptables', ['-t', 'mangle', '-F', 'PREROUTING']);
    await foreignRule(router, { match: TRANSIT, queue: ['--queue-num', '1'] });
    const daemon = await startClearDf(router, '0:1');
    const worker = await HeldWorker.of(daemon, 0);
    daemon.running.kill('SIGTERM');
    await until('the other one has ended', () => HeldWorker.threadOf(daemon, 1) === undefined);
    expect((await flooded(await startFlood(client, { destination: SERVER, length: LENGTH, count }))).sent).toBe(count);
    expect(await queue(router, 1)).toMatchObject({ waiting: 0, queueDropped: 0, userDropped: 0 });
    await worker.letGo();
    expect(await daemon.running.wait()).toMatchObject({ exitCode: 0 });
    const ledger = await closeLedger(net);
    expect(ledger).toMatchObject({ deviceDropped: 0, arrived: { withDf: count, withoutDf: 0 } });
  });

  it('SIGTERM with GSO packets waiting: the companion queue ends after them', async () => {
    const { client, router, server } = net;
    const [segments, sends] = [32, 20];
    const daemon = await startClearDf(router, '0');
    const sink = server.spawn(await tool('sink'), ['5001']);
    await sink.says(/ready/);
    // Its companion's goes on: what ended it would end it here.
    const worker = await HeldWorker.of(daemon, 0);
    await client.exec(await tool('segments'), [SERVER, '5001', '1000', String(segments), String(sends)]);
    await until('all wait in the queue', async () => (await queue(router, 0))?.waiting === sends);
    daemon.running.kill('SIGTERM');
    await worker.toldToEnd();
    await worker.letGo();
    expect(await daemon.running.wait()).toMatchObject({ exitCode: 0 });
    await settled('what arrives', async () => (await nstat(server))('UdpInDatagrams'));
    await sink.stop();
    const datagrams = segments * sends;
    expect(JSON.parse(sink.stdout)).toEqual({ received: datagrams, distinct: datagrams, corrupt: 0 });
    expect((await nstat(server))('UdpInCsumErrors')).toBe(0);
    // Whole they come by bypass as well, but with DF.
    expect(lastWord(daemon.running)).toMatchObject({ requeued: sends, cleared: datagrams, unfinished: 0, leaked: 0 });
  });

  it('a deleted interface: the process lives, and traffic passes again over the next one', async () => {
    const { lab, client, router, server } = net;
    const daemon = await startClearDf(router, '0');
    const flood = await startFlood(client, { destination: SERVER, length: LENGTH, seconds: 60 });
    await until('packets go through clear-df', async () => (await arrived(server)).withoutDf > 10_000);

    await router.ip('link', 'delete', 'eth0');
    flood.kill();
    await flood.end;
    await until('the queue is empty', async () => (await queue(router, 0))?.waiting === 0);
    expect(daemon.running.ended).toBeUndefined();

    await lab.link(
      { at: client, dev: 'eth0', address: `${CLIENT}/24` },
      { at: router, dev: 'eth0', address: `${ROUTER}/24` },
    );
    await client.ip('route', 'add', 'default', 'via', ROUTER);
    const before = (await daemon.settledStats()).totals;
    expect(await ping(client, SERVER)).toMatchObject({ received: 3 });
    const { totals } = await daemon.settledStats();
    expect(totals.cleared - before.cleared).toBe(3);
    // Packets that left with the interface may have had a verdict under way; none is counted twice.
    expect(totals.verdicts + totals.verdictErrors).toBeGreaterThanOrEqual(totals.packets);
    expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
  });
});
