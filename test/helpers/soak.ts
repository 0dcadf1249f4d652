/**
 * What a run holds in memory, at most and in the long run.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2, and 10.0.1.10 to 10.0.1.13
 *
 * Packets to 10.0.1.1N go to queue N, so that each of the four queues gets floods and GSO packets of its own.
 */
import { expect } from 'vitest';
import { commandOf, type Daemon, DF_SET, foreignRule, startClearDf } from './clear-df.js';
import { deliver } from './delivery.js';
import { queue as kernelQueue } from './kernel.js';
import type { Namespace } from './netns.js';
import { scrape } from './scrape.js';
import { type Routed, routed } from './topology.js';
import { FLOOD_PORT, flooded, installSink, startFlood } from './traffic.js';
import { until } from './until.js';

export interface Soak {
  /** How often all queues get their load; what has grown after the first of them stays. */
  rounds: number;
  /** Of a queue in a round: datagrams of a flood. */
  flooded: number;
  /** By TCP, thereafter. */
  bytes: number;
  /** Of /metrics and of /stats, then. */
  readings: number;
}

const QUEUES = [0, 1, 2, 3];
/** As many as wait in the queue's buffer while the run gets no time at all. */
const SLICE = 20_000;
/** After 64 turns without a GSO packet none is expected: 64 packets each at most. */
const CALMING = 20_000;
/** GSO packets of 50 * 1300 = 65,000 bytes, which are UDP datagrams of 1,328 behind the router. */
const PAYLOAD = 1300;
const SEGMENTS = 50;
const GATHERED = 80;

/** KiB: buffers of 68 KiB and 320 bytes (csrc/queue/queue.c). A burst fills all 64, otherwise GSO packets reach 16. */
const BUFFER = 68.3125;
const [FILLED, KEPT] = [QUEUES.length * 64 * BUFFER, QUEUES.length * 16 * BUFFER];
/**
 * KiB for everything else that Node alone does not hold (2.9 MiB of identifications among it), and how much of it may
 * come between the first round and the last. The JavaScript of the same program takes half as much again from Node 22
 * on, and its old generation waits longer to be collected.
 */
const [OWN, GROWTH] = Number(process.versions.node.split('.', 1)[0]) < 22 ? [36_000, 6000] : [54_000, 12_000];

/** Kibibytes of a process. */
interface Resident {
  peak: number;
  now: number;
}

async function network(): Promise<Routed> {
  const net = await routed();
  await installSink(net.server);
  for (const queue of QUEUES) {
    await net.server.ip('address', 'add', `${address(queue)}/24`, 'dev', 'eth0');
    const match = ['-i', 'eth0', '-d', address(queue), ...DF_SET];
    await foreignRule(net.router, { match, queue: ['--queue-num', String(queue)] });
  }
  return net;
}

function address(queue: number): string {
  return `10.0.1.1${queue}`;
}

async function resident(at: Namespace, pid: number): Promise<Resident> {
  const status = await at.read(`/proc/${pid}/status`);
  const [peak, now] = ['VmHWM', 'VmRSS'].map((key) =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]),
  );
  return { peak: peak as number, now: now as number };
}

/** What Node takes by itself here: it differs by version and machine, and is none of clear-df's doing. */
async function bareNode(at: Namespace): Promise<Resident> {
  const [node] = commandOf(at);
  const running = at.spawn(node, ['-e', "console.log('up'); setInterval(() => undefined, 1000)"]);
  await running.says(/up/);
  const bare = await resident(at, running.pid);
  running.kill('SIGKILL');
  await running.wait();
  return bare;
}

/**
 * Stops the daemon while GSO packets gather, more than a batch (64) in each queue. After a flood it does not expect
 * them, takes 64 at once, and no buffer is left that was not filled from end to end.
 */
async function fillBuffers(net: Routed, daemon: Daemon): Promise<void> {
  const { client } = net;
  const { running } = daemon;
  const segments = await client.machine.tool('segments');
  for (const queue of QUEUES) await flood(net, address(queue), CALMING);
  await daemon.settledStats();
  running.kill('SIGSTOP');
  for (const queue of QUEUES) {
    const amount = [PAYLOAD, SEGMENTS, GATHERED].map(String);
    await client.exec(segments, [address(queue), String(FLOOD_PORT), ...amount]);
  }
  running.kill('SIGCONT');
}

async function flood(net: Routed, destination: string, count: number): Promise<void> {
  const load = { destination, length: 1400, count };
  expect((await flooded(await startFlood(net.client, load))).sent).toBe(count);
}

async function round(net: Routed, daemon: Daemon, size: Soak): Promise<void> {
  const { client, router, server } = net;
  for (const queue of QUEUES) {
    for (let left = size.flooded; left > 0; left -= SLICE) {
      await flood(net, address(queue), Math.min(left, SLICE));
      await until('the queue is empty', async () => (await kernelQueue(router, queue))?.waiting === 0);
    }
    await deliver(client, server, address(queue), size.bytes);
    await scrape(router, size.readings);
  }
  await daemon.settledStats();
}

/** Loads a run with rules in rounds, and expects it to be small at its peak and not to grow. */
export async function expectSmall(size: Soak): Promise<void> {
  const net = await network();
  await using _ = net.lab;
  const { router } = net;
  const bare = await bareNode(router);
  const rules = ['--install-rules', '--hook', 'output', '--proto', 'gre'];
  const daemon = await startClearDf(router, '0:3', ['--gso', 'on', ...rules, '--stats', '1']);
  const { pid } = daemon.running;
  const started = await resident(router, pid);
  await round(net, daemon, size);
  const first = await resident(router, pid);
  await fillBuffers(net, daemon);
  await daemon.settledStats();
  const filled = await resident(router, pid);
  for (let after = 1; after < size.rounds; after++) await round(net, daemon, size);
  const last = await resident(router, pid);
  const { totals } = await daemon.stats();
  const text = ({ peak, now }: Resident): string => `${peak} (${now} now)`;
  console.log(
    `KiB: Node alone ${text(bare)}, started ${text(started)}, after one round ${text(first)}, ` +
      `after a burst ${text(filled)}, after all rounds ${text(last)}; ` +
      `${totals.packets} packets, ${totals.gso} GSO packets`,
  );

  // A veth may drop some, when the backlog of its core is full, never most of them.
  expect(totals.packets).toBeGreaterThan((size.rounds * QUEUES.length * size.flooded) / 2);
  expect(totals.gso).toBeGreaterThan(0);
  // Half of them at least: else the burst was none, and nothing is seen of what is given back.
  expect(filled.now - first.now).toBeGreaterThan((FILLED - KEPT) / 2);
  expect(filled.peak - bare.peak).toBeLessThan(OWN + FILLED);
  expect(last.now - bare.now).toBeLessThan(OWN + KEPT);
  expect(last.now - first.now).toBeLessThan(GROWTH);
  expect(await daemon.stop()).toMatchObject({ exitCode: 0 });
}
