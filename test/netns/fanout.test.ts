/**
 * One flow over two queues by the CPU that its packets are on.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 *   segments, pinned        clear-df                      sink
 *
 * A veth hands a packet over on the CPU that sends it, and the router's prerouting runs there too: the client's CPU is
 * the one that the rule sees. CPU 0 feeds queue 0 and CPU 1 queue 1 (first queue + CPU modulo two queues).
 *
 * The rule takes what is longer than 1400 bytes to UDP port 5201: the datagrams of 1472 + 28 = 1500 bytes. Each leaves
 * eth1 as two fragments, joined by the server.
 */
import { cpus } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearDf, type Daemon, startClearDf } from '../helpers/clear-df.js';
import { nstat, queue } from '../helpers/kernel.js';
import { variants } from '../helpers/more.js';
import { type Routed, routed, SERVER } from '../helpers/topology.js';
import { tool } from '../helpers/tools.js';
import { until } from '../helpers/until.js';

const COUNT = 400;
const PORT = '5201';
const RULE = [
  ...['--forwarded', '--proto', `udp:${PORT}`, '--in-dev', 'eth0', '--larger-than', 'mtu', '--out-dev', 'eth1'],
];
const BACKENDS = variants('iptables-nft', 'iptables-legacy');

let net: Routed;
beforeEach(async () => {
  net = await routed();
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

/** Packets of queues 0 and 1, as clear-df and the kernel have counted them; they have to agree. */
async function perQueue(daemon: Daemon): Promise<number[]> {
  const { queues } = await daemon.settledStats();
  const counted = [0, 1].map((number) => queues.find((each) => each.queue === number)?.counters.packets);
  const handed = await Promise.all([0, 1].map(async (number) => (await queue(daemon.at, number))?.sequence));
  expect(counted).toEqual(handed);
  return handed.map(Number);
}

/** COUNT datagrams by a sender on `cpu`, waited for until the last is there. @returns what the sink says of them */
async function send(cpu: number): Promise<unknown> {
  const { client, server } = net;
  const sink = server.spawn(await tool('sink'), [PORT, 'order']);
  await sink.says(/ready/);
  const before = await nstat(server);
  const pinned = ['-c', String(cpu), await tool('segments')];
  await client.exec('taskset', [...pinned, SERVER, PORT, '1472', '1', String(COUNT)]);
  await until('all datagrams are there', async () => {
    return (await nstat(server))('UdpInDatagrams') - before('UdpInDatagrams') >= COUNT;
  });
  await sink.stop();
  // Cut behind the router, each of them.
  expect((await nstat(server))('IpReasmOKs') - before('IpReasmOKs')).toBe(COUNT);
  return JSON.parse(sink.stdout);
}

const WHOLE = { received: COUNT, distinct: COUNT, corrupt: 0, late: 0 };

describe.each(BACKENDS)('%s', (backend) => {
  const own = [...RULE, '--backend', backend];

  it('by CPU: a sender on CPU 0 feeds queue 0, on CPU 1 queue 1, whole and in order', async ({ skip }) => {
    if (cpus().length < 2) skip('kernel: it has one CPU');
    const { router } = net;
    const daemon = await startClearDf(router, '0:1', ['--install-rules', ...own, '--fanout', 'cpu']);
    expect(await router.exec(`${backend}-save`)).toContain('--queue-balance 0:1 --queue-bypass --queue-cpu-fanout');

    for (const cpu of [0, 1]) {
      const before = await perQueue(daemon);
      expect(await send(cpu)).toEqual(WHOLE);
      const grown = (await perQueue(daemon)).map((packets, i) => packets - before[i]!);
      expect(grown).toEqual(cpu === 0 ? [COUNT, 0] : [0, COUNT]);
    }
    expect((await daemon.stats()).totals).toMatchObject({ packets: 2 * COUNT, cleared: 2 * COUNT, leaked: 0 });
    expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
  });

  it('by hash: the same sender feeds one queue from either CPU', async ({ skip }) => {
    if (cpus().length < 2) skip('kernel: it has one CPU');
    const { router } = net;
    const daemon = await startClearDf(router, '0:1', ['--install-rules', ...own]);
    for (const cpu of [0, 1]) expect(await send(cpu)).toEqual(WHOLE);
    // Both addresses and the protocol are the same: which of the queues it is depends on the kernel's seed.
    expect((await perQueue(daemon)).sort((a, b) => a - b)).toEqual([0, 2 * COUNT]);
    expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
  });

  it('rules install: installed once, already there the second time, changed by another fanout', async () => {
    const { router } = net;
    const install = (...more: string[]) => clearDf(router, ['rules', 'install', '--queue', '0:1', ...own, ...more]);
    const saved = async () => (await router.exec(`${backend}-save`)).match(/-j NFQUEUE .*/g);
    const hashed = '-j NFQUEUE --queue-balance 0:1 --queue-bypass';

    expect((await install('--fanout', 'cpu')).stderr).toContain('installed 1 rule');
    expect(await saved()).toEqual([`${hashed} --queue-cpu-fanout`]);
    expect((await install('--fanout', 'cpu')).stderr).toContain('already there: 1 rule');
    expect((await install()).stderr).toContain('installed 1 rule');
    expect(await saved()).toEqual([hashed]);
  });

  it('one queue leaves nothing to choose: exit code 2, and the firewall is as before', async () => {
    const { router } = net;
    const lines = async () =>
      (await router.exec(`${backend}-save`)).split('\n').filter((line) => !line.startsWith('#'));
    const before = await lines();
    const refused = await clearDf(router, ['rules', 'install', '--queue', '0', ...own, '--fanout', 'cpu']);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain('--queue FIRST:LAST');
    expect(await lines()).toEqual(before);
  });
});
