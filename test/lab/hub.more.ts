/**
 * A hub: three sites, two tunnels into one bridge of router A. `test/helpers/article.ts` draws sites A and B; site C is
 * a third leg of w, and the sites are one Ethernet through the hub:
 *
 *   hA ── eth0 rA eth1 ── eth0 w eth1 ── eth1 rB eth0 ── hB 10.32.0.111     gre-b: 192.168.200.1 – 172.16.0.1
 *                              eth2 ── eth1 rC eth0 ── hC 10.32.0.112     gre-c: 192.168.200.1 – 172.17.0.1
 *
 * Both files of the hub have the same bridge, port and move-addresses; eth0 carries an address and a route. Whoever goes
 * down first leaves all that to the other one; the last one leaves the router as it was, as text.
 */
import { beforeAll, expect, it } from 'vitest';
import { newKeys } from '../../src/tunnel/carriers/esp/key-file.js';
import { type Article, article, HOST_B, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { clearDf, commandOf } from '../helpers/clear-df.js';
import { Killer } from '../helpers/killer.js';
import type { Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { type SiteOptions, TunnelEnd, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
const HOST_C = '10.32.0.112';
const ROUTER_C = '172.17.0.1';

interface Hub extends Article {
  rC: Namespace;
  hC: Namespace;
}

async function hub(machine: Parameters<typeof article>[0]): Promise<Hub> {
  const net = await article(machine);
  const { lab, rA, w } = net;
  const [rC, hC] = [await lab.namespace('rC'), await lab.namespace('hC')];
  await lab.link({ at: w, dev: 'eth2', address: '172.17.0.2/24' }, { at: rC, dev: 'eth1', address: `${ROUTER_C}/24` });
  await lab.link({ at: hC, dev: 'eth0', address: `${HOST_C}/24` }, { at: rC, dev: 'eth0' });
  await rC.ip('route', 'add', 'default', 'via', '172.17.0.2');
  await rA.ip('address', 'add', '10.32.0.1/24', 'brd', '+', 'dev', 'eth0');
  await rA.ip('route', 'add', '10.99.0.0/16', 'via', '10.32.0.50', 'dev', 'eth0', 'metric', '50');
  return { ...net, rC, hC };
}

/** Both tunnels of the hub, not up yet. */
async function hubEnds({ rA }: Hub, b: SiteOptions, c: SiteOptions): Promise<[TunnelEnd, TunnelEnd]> {
  const bridge = '{ name: br0, ports: [eth0], move-addresses: true }';
  return [
    await TunnelEnd.write(rA, 'b', ROUTER_A, ROUTER_B, { ...b, bridge }),
    await TunnelEnd.write(rA, 'c', ROUTER_A, ROUTER_C, { ...c, bridge }),
  ];
}

/** The far end of a plain tunnel by hand: to start Node takes longer than all of it. */
async function spoke(at: Namespace, local: string): Promise<void> {
  const ends = ['type', 'gretap', 'local', local, 'remote', ROUTER_A];
  await at.ip('link', 'add', 'name', 'gre-a', ...ends, 'nopmtudisc', 'ignore-df');
  await at.ip('link', 'add', 'name', 'br0', 'type', 'bridge');
  await at.ip('link', 'set', 'dev', 'gre-a', 'mtu', '1500', 'master', 'br0', 'up');
  await at.ip('link', 'set', 'dev', 'eth0', 'master', 'br0');
  await at.ip('link', 'set', 'dev', 'br0', 'up');
}

/** Full packets with DF from site to site; B and C reach each other through the hub. */
async function reaches(net: Hub, sites: 'all' | 'B' | 'C'): Promise<void> {
  const { hA, hB } = net;
  if (sites !== 'C') expect(await ping(hA, HOST_B), 'A to B').toMatchObject({ received: 3 });
  if (sites !== 'B') expect(await ping(hA, HOST_C), 'A to C').toMatchObject({ received: 3 });
  if (sites === 'all') expect(await ping(hB, HOST_C), 'B to C').toMatchObject({ received: 3 });
}

/** Runs a verb that is killed behind its nth change. */
async function killed(at: Namespace, killer: Killer, args: string[], change: number): Promise<void> {
  const before = (await killer.killed()).length;
  const [node, main] = commandOf(at);
  const done = await at.try(node, [main, 'tunnel', ...args], 300 * SECOND, await killer.aim('after', change));
  expect(await killer.killed(), done.stderr).toHaveLength(before + 1);
}

async function asPlanned({ at, file }: TunnelEnd): Promise<void> {
  const done = await clearDf(at, ['tunnel', 'status', file], 120 * SECOND);
  expect(done.exitCode, done.stdout).toBe(0);
}

/** Those of the hub's tunnels; the routers of one guest share the folder. */
async function journals(at: Namespace): Promise<string> {
  const { stdout } = await at.try('ls', ['/run/clear-df']);
  return stdout
    .split('\n')
    .filter((name) => /^tunnel-[bc]-\d+\.json$/.test(name))
    .join();
}

describeKernels(['own', 'newest'], 'a hub with two tunnels in one bridge', (guest) => {
  // The module stays when a tunnel goes, and brings gre0 and gretap0 along.
  beforeAll(async () => guest().modprobe('ip_gre'));

  it(
    'plain, engine nfqueue: the first one up goes down first, the last one is killed on its way down',
    async () => {
      const net = await hub(guest());
      try {
        const { rA, rB, rC } = net;
        await Promise.all([spoke(rB, ROUTER_B), spoke(rC, ROUTER_C)]);
        const before = await routerText(rA);
        const [b, c] = await hubEnds(
          net,
          { engine: 'nfqueue', more: ['tunnel: { name: gre-b }'] },
          { engine: 'nfqueue', more: ['tunnel: { name: gre-c }', 'queue: 1', 'metrics: 127.0.0.1:9858'] },
        );
        await b.up();
        await c.up();
        await reaches(net, 'all');

        const down = await b.down();
        expect(down.stderr).toMatch(/port eth0 stays: tunnel c uses it/);
        await reaches(net, 'C');
        await asPlanned(c);
        expect(await rA.read('/proc/sys/net/bridge/bridge-nf-call-iptables')).toBe('0');

        await killed(rA, await Killer.create(rA), ['down', '--name', 'c'], 3);
        await c.down();
        expect(await routerText(rA)).toEqual(before);
        expect(await journals(rA)).toBe('');
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    900 * SECOND,
  );

  it(
    'ESP, engine tunnel-flag: the last one up is killed on its way, goes down first, and comes and goes again',
    async () => {
      const net = await hub(guest());
      try {
        const { lab, rA, rB, rC } = net;
        const carrier = async (remote: string) => {
          const file = `${await lab.scratch()}/${remote}.keys`;
          const spec = { type: 'esp', mode: 'transport', cipher: 'aes-gcm-128', keys: file, reqid: 1, ike: undefined };
          const ends = { local: ROUTER_A, remote, carrier: spec } as Parameters<typeof newKeys>[0];
          await lab.machine.writeFile(file, newKeys(ends), 0o600);
          return `{ type: esp, mode: transport, cipher: aes-gcm-128, keys: ${file} }`;
        };
        const engine = 'tunnel-flag';
        const [toB, toC] = [await carrier(ROUTER_B), await carrier(ROUTER_C)];
        const before = await routerText(rA);
        const [b, c] = await hubEnds(
          net,
          { engine, carrier: toB, more: ['tunnel: { name: gre-b }'] },
          { engine, carrier: toC, more: ['tunnel: { name: gre-c }'] },
        );
        await upBoth([
          await TunnelEnd.write(rB, 'spoke-b', ROUTER_B, ROUTER_A, { engine, carrier: toB }),
          await TunnelEnd.write(rC, 'spoke-c', ROUTER_C, ROUTER_A, { engine, carrier: toC }),
        ]);
        const killer = await Killer.create(rA);
        await b.up();
        // Its associations and policies are there, its device is not.
        await killed(rA, killer, ['up', c.file], 5);
        await reaches(net, 'B');
        await c.up();
        await reaches(net, 'all');

        await killed(rA, killer, ['down', '--name', 'c'], 1);
        await reaches(net, 'B');
        await c.down();
        await reaches(net, 'B');
        await asPlanned(b);
        await b.down();
        expect(await routerText(rA)).toEqual(before);
        expect(await journals(rA)).toBe('');
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    1200 * SECOND,
  );
});
