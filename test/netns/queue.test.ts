/**
 * Who holds a queue, and what comes out of it.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *                               clear-df
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearDf, DF_SET, foreignRule, IN_TRANSIT, MAIN, startClearDf } from '../helpers/clear-df.js';
import { queue, queues } from '../helpers/kernel.js';
import { type Routed, routed, SERVER } from '../helpers/topology.js';
import { tool } from '../helpers/tools.js';
import { ping } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';

const TRANSIT = ['-i', 'eth0', ...DF_SET, ...IN_TRANSIT];

let net: Routed;
beforeEach(async () => {
  net = await routed();
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
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

  it('hears the kernel only: who else sends to it is refused, and changes nothing', async () => {
    const { client, router } = net;
    await foreignRule(router, { match: TRANSIT });
    const daemon = await startClearDf(router, '0');
    const holder = await queue(router, 0);
    expect(await ping(client, SERVER)).toMatchObject({ received: 3 });
    // Root in this namespace may: a refusal, a packet numbered 2,000,000,000, bytes that are no message.
    const forged = await router.exec(await tool('forge'), [String(holder?.portId)]);
    expect(forged.split('\n')).toEqual(Array<string>(3).fill('forge: Connection refused'));
    expect(await ping(client, SERVER)).toMatchObject({ received: 3 });
    const { totals } = await daemon.settledStats();
    const untouched = { leaked: 0, overrun: 0, verdictErrors: 0, receiveErrors: 0 };
    expect(totals).toMatchObject({ packets: 6, verdicts: 6, cleared: 6, ...untouched });
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

  it('is held without /proc too, and the log says what is not known', async () => {
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
