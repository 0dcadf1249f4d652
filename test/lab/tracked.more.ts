/**
 * UDP GSO packets that begin a tracked connection: the kernel segments none whose connection is not confirmed yet, so a
 * packet that asks for that in the queue would be lost. On every kernel, forwarded and bridged, both directions.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server      inside the guest; br0 = eth0 + eth1 when bridged
 *             MTU 1500                     MTU 1500
 */
import { expect, it } from 'vitest';
import { type Daemon, startClearDf } from '../helpers/clear-df.js';
import { datagrams } from '../helpers/datagrams.js';
import type { Machine } from '../helpers/machine.js';
import { Lab, type Namespace } from '../helpers/netns.js';
import { describeKernels } from './kernels.js';

const FLOWS = 3;
const SEGMENTS = 16;
const TRACK = ['FORWARD', '-m', 'conntrack', '--ctstate', 'NEW,ESTABLISHED,RELATED', '-j', 'ACCEPT'];

/** Sends the one GSO packet of each of {@link FLOWS} flows. @returns datagrams that did not arrive */
async function lost(from: Namespace, to: Namespace, address: string): Promise<number> {
  let sum = 0;
  for (let flow = 0; flow < FLOWS; flow += 1) {
    sum += (await datagrams(from, to, address, { count: SEGMENTS, size: 1000, segments: SEGMENTS })).lost;
  }
  return sum;
}

async function network(machine: Machine, bridged: boolean) {
  const lab = await Lab.create(machine);
  const [client, router, server] = [
    await lab.namespace('client'),
    await lab.namespace('router'),
    await lab.namespace('server'),
  ];
  const far = bridged ? '10.0.0.3' : '10.0.1.2';
  const at = (address: string) => (bridged ? {} : { address: `${address}/24` });
  await lab.link({ at: client, dev: 'eth0', address: '10.0.0.2/24' }, { at: router, dev: 'eth0', ...at('10.0.0.1') });
  await lab.link({ at: router, dev: 'eth1', ...at('10.0.1.1') }, { at: server, dev: 'eth0', address: `${far}/24` });
  if (bridged) {
    await router.ip('link', 'add', 'br0', 'type', 'bridge');
    for (const port of ['eth0', 'eth1']) await router.ip('link', 'set', port, 'master', 'br0');
    await router.ip('link', 'set', 'br0', 'up');
  } else {
    await router.sysctl({ 'net.ipv4.ip_forward': 1 });
    await client.ip('route', 'add', 'default', 'via', '10.0.0.1');
    await server.ip('route', 'add', 'default', 'via', '10.0.1.1');
  }
  await router.exec('iptables', ['-A', ...TRACK]);
  return { lab, client, router, server, far };
}

/** One `run` for each direction. @returns the two */
async function runBoth(router: Namespace, args: readonly string[], by: string): Promise<[Daemon, Daemon]> {
  const start = (queue: string, dev: string, port: number) => {
    const rules = ['--install-rules', '--name', dev, ...args, by, dev, '--larger-than', '1000'];
    return startClearDf(router, queue, [...rules, '--metrics', `127.0.0.1:${port}`], { port });
  };
  return [await start('0', 'eth0', 9857), await start('1', 'eth1', 9858)];
}

describeKernels(['every'], 'first packets of tracked connections', (guest) => {
  it.each([
    ['forwarded, by the queue', false, ['--forwarded', '--fast-path', 'off'], '--in-dev'],
    ['bridged, by the fast path', true, ['--hook', 'bridge', '--fast-path', 'require'], '--out-dev'],
  ] as const)('%s: UDP GSO packets arrive whole in both directions', async (_, isBridged, args, by) => {
    await guest().modprobe('br_netfilter');
    const { lab, client, router, server, far } = await network(guest(), isBridged);
    try {
      const daemons = await runBoth(router, args, by);
      expect(await lost(client, server, far)).toBe(0);
      expect(await lost(server, client, '10.0.0.2')).toBe(0);
      for (const daemon of daemons) {
        const { totals, fastPath } = await daemon.settledStats();
        const seen = fastPath[0]?.counters.cleared || totals.requeued || totals.cleared;
        // One GSO packet for each flow; veth of 5.10 carries no UDP GSO packets, and all datagrams come one by one.
        expect([FLOWS, FLOWS * SEGMENTS]).toContain(seen);
        expect(totals).toMatchObject({ leaked: 0, verdictErrors: 0 });
        await daemon.stop();
      }
      expect(await guest().kernelComplaints()).toEqual([]);
    } finally {
      await lab[Symbol.asyncDispose]();
    }
  });
});
