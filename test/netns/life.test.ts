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
import { clearDf, DF_SET, foreignRule, IN_TRANSIT, MAIN, startClearDf } from '../helpers/clear-df.js';
import { nstat, queue, queues } from '../helpers/kernel.js';
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
    daemon.running.kill('SIGSTOP');
    await flooded(await startFlood(client, { destination: SERVER, length: LENGTH, seconds: 30, count }));
    await until('all wait in the queue', async () => (await queue(router, 0))?.waiting === count);
    daemon.running.kill('SIGTERM');
    daemon.running.kill('SIGCONT');
    expect(await daemon.running.wait()).toMatchObject({ exitCode: 0 });
    const ledger = await closeLedger(net);
    expect(ledger).toMatchObject({ deviceDropped: 0 });
    expect(ledger.arrived).toEqual({ withDf: 0, withoutDf: count, total: count });
  });

  it('SIGTERM with GSO packets waiting: the companion queue ends after them', async () => {
    const { client, router, server } = net;
    const [segments, sends] = [32, 20];
    const daemon = await startClearDf(router, '0');
    const sink = server.spawn(await tool('sink'), ['5001']);
    await sink.says(/ready/);
    daemon.running.kill('SIGSTOP');
    await client.exec(await tool('segments'), [SERVER, '5001', '1000', String(segments), String(sends)]);
    await until('all wait in the queue', async () => (await queue(router, 0))?.waiting === sends);
    daemon.running.kill('SIGTERM');
    daemon.running.kill('SIGCONT');
    expect(await daemon.running.wait()).toMatchObject({ exitCode: 0 });
    await settled('what arrives', async () => (await nstat(server))('UdpInDatagrams'));
    await sink.stop();
    const datagrams = segments * sends;
    expect(JSON.parse(sink.stdout)).toEqual({ received: datagrams, distinct: datagrams, corrupt: 0 });
    expect((await nstat(server))('UdpInCsumErrors')).toBe(0);
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

describe('the queue', () => {
  it('is refused to a second instance, which names it and its holder', async () => {
    const { client, router } = net;
    await foreignRule(router, { match: TRANSIT });
    const daemon = await startClearDf(router, '0');
    const holder = await queue(router, 0);
    const { exitCode, stderr, stdout } = await clearDf(router, ['run', '--queue', '0', '--metrics', 'off']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 5, stdout: '' });
    expect(stderr).toContain('queue 0');
    expect(stderr).toContain(String(holder?.portId));
    // The first one goes on undisturbed.
    expect(await queue(router, 0)).toEqual(holder);
    expect(await ping(client, SERVER)).toMatchObject({ received: 3 });
    expect((await daemon.settledStats()).totals.cleared).toBe(3);
  });

  it('believes the kernel only: forged messages are counted, and change nothing', async () => {
    const { client, router } = net;
    await foreignRule(router, { match: TRANSIT });
    const daemon = await startClearDf(router, '0');
    const holder = await queue(router, 0);
    expect(await ping(client, SERVER)).toMatchObject({ received: 3 });
    // Root in this namespace may: a refusal, a packet numbered 2,000,000,000, bytes that are no message.
    await router.exec(await tool('forge'), [String(holder?.portId)]);
    await daemon.running.says(/"kind":"foreign-message"/);
    expect(await ping(client, SERVER)).toMatchObject({ received: 3 });
    const { totals } = await daemon.settledStats();
    const untouched = { leaked: 0, overrun: 0, verdictErrors: 0, receiveErrors: 0 };
    expect(totals).toMatchObject({ packets: 6, verdicts: 6, cleared: 6, foreign: 3, ...untouched });
    expect(daemon.running.stderr).not.toContain('queue-lost');
    expect(await queue(router, 0)).toEqual({ ...holder, sequence: 6 });
    expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
  });

  it('may be a range of four: every queue of --queue-balance sees packets', async () => {
    const { client, router } = net;
    // The kernel spreads by addresses. With 64 of them one queue of four stays empty
    // with a chance of 4 x (3/4)^64 = 4 in 10^8.
    const sources = Array.from({ length: 64 }, (_, i) => `10.0.0.${100 + i}`);
    await foreignRule(router, { match: TRANSIT, queue: ['--queue-balance', '0:3'] });
    const daemon = await startClearDf(router, '0:3');
    for (const source of sources) await client.ip('address', 'add', `${source}/24`, 'dev', 'eth0');
    const answers = await Promise.all(
      sources.map((source) =>
        client.try('ping', ['-n', '-q', '-M', 'do', '-s', '1472', '-c', '1', '-W', '10', '-I', source, SERVER]),
      ),
    );
    expect(answers.filter(({ exitCode }) => exitCode !== 0)).toEqual([]);

    const { totals, queues: ours } = await daemon.settledStats();
    expect(totals).toMatchObject({ packets: sources.length, cleared: sources.length, verdicts: sources.length });
    const lines = (await queues(router)).filter((line) => line.queue <= 3);
    expect(lines).toHaveLength(4);
    for (const line of lines) {
      expect(line.sequence).toBeGreaterThan(0);
      expect(ours.find((one) => one.queue === line.queue)?.counters.packets).toBe(line.sequence);
    }
    expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
    expect(await queues(router)).toEqual([]);
  });
});

describe('what is missing', () => {
  it('CAP_NET_ADMIN: exit code 3 and a line that names it', async () => {
    const drop = ['--bounding-set', '-net_admin', '--inh-caps', '-net_admin'];
    const { exitCode, stderr } = await net.router.try('setpriv', [
      ...drop,
      ...[process.execPath, MAIN, 'run', '--queue', '0'],
    ]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain('CAP_NET_ADMIN');
    expect(await queues(net.router)).toEqual([]);
  });

  it('/proc: it works all the same, and says what it cannot know', async () => {
    const { client, router } = net;
    await foreignRule(router, { match: TRANSIT });
    const hidden = ['--mount', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$@"', 'sh'];
    const running = router.spawn('unshare', [...hidden, process.execPath, MAIN, 'run', '--queue', '0']);
    await until('it holds the queue', async () => {
      if (running.ended) throw new Error(`it ended (${running.ended.exitCode}): ${running.stderr}`);
      return (await queue(router, 0)) !== undefined;
    });
    expect(await ping(client, SERVER)).toMatchObject({ received: 3 });
    expect(running.stderr).toMatch(/\/proc/);
    running.kill();
    expect(await running.wait()).toMatchObject({ exitCode: 0 });
  });
});
