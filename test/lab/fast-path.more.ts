/**
 * The fast path on each kernel: whether it takes the program, and what the program does to real packets.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server      forwards; program at ingress of eth0
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 *
 * And `test/helpers/article.ts`, with br0 = eth0 + gretap1 on both routers made by hand, or by `clear-df tunnel up`;
 * program at egress of the tunnel device.
 */
import { expect, it } from 'vitest';
import { type Article, article, HOST_A, HOST_B, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { clearDf, type Daemon, startClearDf } from '../helpers/clear-df.js';
import { datagrams } from '../helpers/datagrams.js';
import { deliver } from '../helpers/delivery.js';
import type { Namespace } from '../helpers/netns.js';
import { expectNumbered, mergeOnReceipt } from '../helpers/numbered.js';
import { tunnelEnds, upBoth, downBoth } from '../helpers/tunnel.js';
import { CLIENT, forgetPathMtu, routed, SERVER } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';
import { describeKernels, type Stories } from './kernels.js';

const FORWARDED = ['--install-rules', '--forwarded', '--in-dev', 'eth0', '--out-dev', 'eth1', '--fast-path', 'require'];
const BRIDGED = ['--install-rules', '--hook', 'bridge', '--out-dev', 'gretap1', '--fast-path', 'require'];
const MINUTES = 60_000;

async function counters(daemon: Daemon): Promise<Record<string, number>> {
  return (await daemon.stats()).fastPath[0]?.counters ?? {};
}

/** A bridge of eth0 and a gretap of 1500 bytes, which refuses every full-size frame with DF. */
async function bridged({ rA, rB }: Article): Promise<void> {
  for (const [at, local, remote] of [
    [rA, ROUTER_A, ROUTER_B],
    [rB, ROUTER_B, ROUTER_A],
  ] as const) {
    await at.ip('link', 'add', 'br0', 'type', 'bridge');
    await at.ip('link', 'set', 'eth0', 'master', 'br0');
    await at.ip('link', 'add', 'gretap1', 'type', 'gretap', 'local', local, 'remote', remote, 'nopmtudisc');
    await at.ip('link', 'set', 'gretap1', 'mtu', '1500', 'master', 'br0', 'up');
    await at.ip('link', 'set', 'br0', 'up');
  }
}

/** A device with so many tags on both hosts. @returns the far one's address there */
async function tagged(net: Article, tags: number): Promise<string> {
  const ends: [Namespace, number][] = [
    [net.hA, 1],
    [net.hB, 2],
  ];
  for (const [at, last] of ends) {
    const inner = tags === 2 ? 'outer' : 'eth0';
    if (tags === 2) {
      await at.ip('link', 'add', 'link', 'eth0', 'name', 'outer', 'type', 'vlan', 'proto', '802.1ad', 'id', '7');
      await at.ip('link', 'set', 'outer', 'up');
    }
    const device = `v${tags}`;
    await at.ip('link', 'add', 'link', inner, 'name', device, 'type', 'vlan', 'id', '5');
    await at.ip('addr', 'add', `10.9.${tags}.${last}/24`, 'dev', device);
    await at.ip('link', 'set', device, 'up');
  }
  return `10.9.${tags}.2`;
}

const stories: Stories = (guest, series) => {
  it(
    'forwards full-size packets, goes on when the process is killed, and is adopted',
    async () => {
      const { lab, client, router, server } = await routed(1400, guest());
      try {
        const qdiscs = () => router.exec('tc', ['qdisc', 'show', 'dev', 'eth0']);
        const before = await qdiscs();
        expect((await ping(client, SERVER)).received).toBe(0);
        await forgetPathMtu(client);
        const first = await startClearDf(router, '0', FORWARDED);
        const far = await Capture.start(server, 'eth0', [`icmp and src ${CLIENT}`]);
        // On kernels before 5.12 the first packets may come before the neighbour is known: the queue takes those.
        expect((await ping(client, SERVER)).received).toBe(3);
        const fragments = await far.stop(6);
        expect(fragments.some(({ dontFragment, identification }) => dontFragment || identification === 0)).toBe(false);
        expect(new Set(fragments.map(({ identification }) => identification)).size).toBe(3);
        expect((await ping(client, SERVER)).received).toBe(3);
        const { cleared = 0 } = await counters(first);
        expect(cleared + (await first.settledStats()).totals.cleared).toBe(6);
        expect(cleared).toBeGreaterThanOrEqual(3);

        await first.stop('SIGKILL');
        await forgetPathMtu(client);
        expect((await ping(client, SERVER)).received).toBe(3);
        const second = await startClearDf(router, '0', FORWARDED);
        expect(second.running.stderr).toContain('is adopted');
        expect((await counters(second))['cleared']).toBe(cleared + 3);
        const { grew } = await deliver(client, server, SERVER, 2_000_000);
        expect(grew('TcpInCsumErrors')).toBe(0);
        expect((await counters(second))['cleared']).toBeGreaterThan(cleared + 3);
        expect((await second.stop()).exitCode).toBe(0);
        expect(await qdiscs()).toBe(before);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await lab[Symbol.asyncDispose]();
      }
    },
    10 * MINUTES,
  );

  it(
    'leaves TCP that was merged with one identification to the queue, which gives each packet its own',
    async (context) => {
      // There a veth merges for an XDP program only, from 5.13 on because it is asked to.
      if (series === '5.10') context.skip('kernel: a veth of 5.10 merges nothing that it receives');
      const net = await routed(1400, guest());
      try {
        await mergeOnReceipt(net);
        await expectNumbered(net, { constant: true, fast: true });
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    10 * MINUTES,
  );

  it(
    'takes full-size frames into a gretap: ping, TCP, UDP, UDP GSO, one tag and two',
    async () => {
      await guest().modprobe('ip_gre', 'br_netfilter', '8021q');
      const net = await article(guest());
      try {
        const { hA, hB, rA, rB } = net;
        await bridged(net);
        expect((await ping(hA, HOST_B)).received).toBe(0);
        const daemons = [await startClearDf(rA, '0', BRIDGED), await startClearDf(rB, '0', BRIDGED)];
        expect((await ping(hA, HOST_B)).received).toBe(3);
        expect((await ping(hB, HOST_A)).received).toBe(3);
        const { grew } = await deliver(hA, hB, HOST_B, 2_000_000);
        expect(grew('TcpInCsumErrors')).toBe(0);
        for (const segments of [1, 10]) {
          expect(await datagrams(hA, hB, HOST_B, { count: 100, segments })).toMatchObject({ lost: 0 });
        }
        for (const tags of [1, 2]) {
          const to = await tagged(net, tags);
          expect((await ping(hA, to, { size: 1472 - 4 * tags })).received).toBe(3);
        }
        for (const daemon of daemons) {
          const counted = await counters(daemon);
          expect(counted['cleared']).toBeGreaterThan(6);
          expect(counted['failed']).toBe(0);
          // What the queue got is TCP with identification 0, if any.
          expect((await daemon.settledStats()).totals.packets).toBeLessThan(20);
        }
        const { stdout } = await clearDf(rA, ['stats']);
        expect(stdout).toContain('egress of gretap1');
        for (const daemon of daemons) expect((await daemon.stop()).exitCode).toBe(0);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    10 * MINUTES,
  );

  it(
    'is put back by a running `tunnel up` when another program takes it away',
    async () => {
      await guest().modprobe('ip_gre');
      const net = await article(guest());
      try {
        const { hA, rA } = net;
        const ends = await tunnelEnds(net, { engine: 'bpf', more: ['queue: 0'] }, { engine: 'tunnel-flag' });
        await upBoth(ends);
        expect((await ping(hA, HOST_B)).received).toBe(3);
        const [{ ifname }] = (
          JSON.parse(await rA.ip('-j', 'link', 'show', 'type', 'gretap')) as { ifname: string }[]
        ).filter(({ ifname: name }) => name !== 'gretap0') as [{ ifname: string }];
        const filters = () => rA.exec('tc', ['filter', 'show', 'dev', ifname, 'egress']);
        expect(await filters()).toContain('clear-df:site-a');
        await rA.exec('tc', ['filter', 'del', 'dev', ifname, 'egress']);
        expect(await filters()).toBe('');
        await until('the program stands again', async () => (await filters()).includes('clear-df:site-a'), 120_000);
        expect((await ping(hA, HOST_B)).received).toBe(3);
        await downBoth(ends);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    10 * MINUTES,
  );

  it(
    'knows a device whose packets have no Ethernet header',
    async () => {
      await guest().modprobe('ip_gre');
      const { lab, client, router } = await routed(1400, guest());
      try {
        for (const [at, local, remote, last] of [
          [router, '10.0.0.1', CLIENT, 1],
          [client, CLIENT, '10.0.0.1', 2],
        ] as const) {
          await at.ip('link', 'add', 'g', 'type', 'gre', 'local', local, 'remote', remote);
          await at.ip('addr', 'add', `10.8.0.${last}/24`, 'dev', 'g');
          await at.ip('link', 'set', 'g', 'up');
        }
        const daemon = await startClearDf(router, '0', ['--fast-path-dev', 'g', '--fast-path', 'require']);
        const capture = await Capture.start(client, 'g', ['icmp and src 10.8.0.1']);
        expect((await ping(router, '10.8.0.2', { size: 100 })).received).toBe(3);
        expect((await capture.stop(3)).map(({ dontFragment }) => dontFragment)).toEqual([false, false, false]);
        expect((await counters(daemon))['cleared']).toBe(3);
      } finally {
        await lab[Symbol.asyncDispose]();
      }
    },
    10 * MINUTES,
  );

  // The last one: a kernel that is locked down stays so.
  it(
    'works under lockdown, which forbids programs to read kernel memory, and no others',
    async (context) => {
      const state = '/sys/kernel/security/lockdown';
      const { lab, client, router } = await routed(1400, guest());
      try {
        const text = `mountpoint -q /sys/kernel/security || mount -t securityfs securityfs /sys/kernel/security
          echo confidentiality > ${state} && cat ${state}`;
        const sealed = await guest().run(['sh', '-c', text]);
        if (sealed.exitCode !== 0) context.skip(`kernel: no lockdown (${sealed.stderr.trim()})`);
        expect(sealed.stdout).toContain('[confidentiality]');
        await forgetPathMtu(client);
        const daemon = await startClearDf(router, '0', FORWARDED);
        expect((await ping(client, SERVER)).received).toBe(3);
        expect(await counters(daemon)).toMatchObject({ failed: 0 });
        expect((await daemon.stop()).exitCode).toBe(0);
      } finally {
        await lab[Symbol.asyncDispose]();
      }
    },
    10 * MINUTES,
  );
};

describeKernels(['every'], 'the fast path', stories);
