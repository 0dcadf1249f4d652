/**
 * `clear-df trace` on rA: the article's two tables (plain, and GRE inside ESP), the drop that the article did not have,
 * and what a killed trace leaves. `test/helpers/article.ts` draws the network.
 *
 * One small ping passes rA four times: the request as a frame (eth0 → gretap1), the request in GRE (122 = 84 + 38
 * bytes), the reply in GRE, the reply as a frame. Inside ESP the two GRE packets pass once more each, encrypted.
 */
import { expect, it } from 'vitest';
import { type Article, article, HOST_A, HOST_B, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { clearDf, commandOf } from '../helpers/clear-df.js';
import { espCarrier } from '../helpers/esp.js';
import type { Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import type { Traced } from '../../src/trace/text.js';
import type { PathGroup } from '../../src/trace/path-groups.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
const FLOW = ['trace', '--from', HOST_A, '--to', HOST_B];

/** Runs a trace while `traffic` goes on. */
async function traced(at: Namespace, more: string[], traffic: () => Promise<unknown>): Promise<Traced> {
  const [node, main] = commandOf(at);
  const running = at.spawn(node, [main, ...FLOW, '--json', ...more]);
  await running.says(/send the traffic now/, 120 * SECOND);
  await traffic();
  const { exitCode } = await running.wait();
  expect(exitCode, running.stderr).toBe(0);
  return JSON.parse(running.stdout) as Traced;
}

/** `icmp raw:PREROUTING`: the chains of other people's tables, and the bare hook where there is none. */
function chains(paths: readonly PathGroup[], family = 'ip'): string[] {
  return paths.flatMap(({ head, rows }) =>
    rows
      .filter((row) => row.family === family)
      .map(({ hook, table, chain }) => `${head.protocol} ${table === undefined ? hook : `${table}:${chain}`}`),
  );
}

/** The article's lines, in its order; it had a raw and a filter table, and none at POSTROUTING. */
function listed(...protocols: string[]): string[] {
  const there = protocols.flatMap((name) => [`${name} raw:OUTPUT`, `${name} filter:OUTPUT`]);
  const back = [...protocols].reverse().flatMap((name) => [`${name} raw:PREROUTING`, `${name} filter:INPUT`]);
  const frame = ['icmp raw:PREROUTING', 'icmp filter:FORWARD'];
  return [...frame, ...there, ...back, ...frame];
}

const withoutPostrouting = (names: string[]) => names.filter((name) => !name.endsWith(' postrouting'));

/** Every backend's rules and the kernel parameters; the bridge is up, and its timers are never the same. */
async function firewallText(at: Namespace): Promise<Record<string, string | undefined>> {
  const { legacy, iptables, nft, bridge, ipv4 } = await routerText(at);
  return { legacy, iptables, nft, bridge, ipv4 };
}

/** A small ping there and back: two packets of the flow. */
const smallPing = ({ hA }: Article) => ping(hA, HOST_B, { size: 56, count: 1 });

/** The article's own tunnel, by hand. */
async function plainTunnel({ rA, rB }: Article): Promise<void> {
  for (const [at, local, remote] of [
    [rA, ROUTER_A, ROUTER_B],
    [rB, ROUTER_B, ROUTER_A],
  ] as const) {
    await at.ip('link', 'add', 'br0', 'type', 'bridge');
    await at.ip('link', 'add', 'gretap1', 'type', 'gretap', 'local', local, 'remote', remote, 'nopmtudisc');
    await at.ip('link', 'set', 'gretap1', 'mtu', '1500', 'master', 'br0', 'up');
    await at.ip('link', 'set', 'eth0', 'master', 'br0');
    await at.ip('link', 'set', 'br0', 'up');
  }
}

/** Makes the tables that the article's machine had; they stay as they are. */
async function tables(at: Namespace, variant: 'iptables-legacy' | 'iptables-nft'): Promise<void> {
  const rule = ['-d', '192.0.2.1', '-j', 'ACCEPT'];
  for (const chain of ['PREROUTING', 'OUTPUT']) await at.exec(variant, ['-t', 'raw', '-A', chain, ...rule]);
  for (const chain of ['INPUT', 'FORWARD', 'OUTPUT']) await at.exec(variant, ['-A', chain, ...rule]);
}

describeKernels(['own'], 'trace', (guest) => {
  it(
    'shows the plain table of the article, and the drop inside the tunnel device',
    async () => {
      await guest().modprobe('br_netfilter');
      const net = await article(guest());
      try {
        const { hA, rA } = net;
        await plainTunnel(net);
        await tables(rA, 'iptables-nft');
        const before = await firewallText(rA);
        expect((await smallPing(net)).received).toBe(1);

        const plain = await traced(rA, ['--count', '2'], () => smallPing(net));
        expect(withoutPostrouting(chains(plain.paths))).toEqual(listed('gre'));
        expect(plain.paths.map(({ head }) => head.length)).toEqual([84, 122, 122, 84]);
        expect(chains(plain.paths.slice(0, 1), 'bridge')).toEqual([
          ...['icmp prerouting', 'icmp forward', 'icmp postrouting'],
        ]);
        expect(plain.paths[0]?.rows.find(({ table }) => table === 'filter')?.devices).toEqual({
          ...{ in: 'br0', out: 'br0', physicalIn: 'eth0', physicalOut: 'gretap1' },
        });
        expect([plain.seen, plain.dropped]).toEqual([[], []]);

        // A full-size frame with DF is at FORWARD, and no GRE packet comes to OUTPUT: gretap1 has refused it.
        const large = await traced(rA, ['--count', '3'], () => ping(hA, HOST_B));
        expect(large.paths).toHaveLength(1);
        expect(large.paths[0]).toMatchObject({ packets: 3, head: { length: 1500, protocol: 'icmp' } });
        expect(chains(large.paths)).toContain('icmp filter:FORWARD');
        expect(large.dropped).toHaveLength(1);
        expect(large.dropped[0]).toMatch(
          /^3 of 3 frames of 1500 bytes .* inside gretap1; TX errors of gretap1 grew by 3/,
        );
        expect(large.dropped[0]).toContain('it would need 1538 bytes and 1500 fit to 172.16.0.1');
        expect(large.grown).toContainEqual({ counter: 'gretap1 TX errors', by: 3 });

        expect(await firewallText(rA)).toEqual(before);
        expect((await rA.try('ls', ['/run/clear-df'])).stdout).not.toContain('trace');
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );

  it(
    "shows the article's table of GRE inside ESP, and where clear-df sees it",
    async () => {
      await guest().modprobe('br_netfilter');
      const net = await article(guest());
      try {
        const { hA, rA } = net;
        await tables(rA, 'iptables-legacy');
        const carrier = await espCarrier(net, 'transport', 'aes-gcm-128');
        const ends = await tunnelEnds(net, { carrier, engine: 'nfqueue' });
        await upBoth(ends);
        expect((await smallPing(net)).received).toBe(1);

        const { paths, seen, dropped } = await traced(rA, ['--count', '2'], () => smallPing(net));
        // clear-df's own rules stand in a mangle table, of iptables-nft or of iptables-legacy, which the article had not.
        const without = withoutPostrouting(chains(paths)).filter((name) => !name.includes(' mangle:'));
        expect(without).toEqual(listed('gre', 'esp'));
        expect(paths[0]?.rows.filter(({ source }) => source === 'legacy').length).toBeGreaterThanOrEqual(2);
        expect(seen).toHaveLength(1);
        expect(seen[0]).toMatch(
          /^10\.32\.0\.50 > .* at ip mangle:FORWARD, rule 1 \(clear-df:site-a\): queue 0, held by /,
        );
        expect(dropped).toEqual([]);

        // Full-size frames: clear-df clears DF, and what is behind it is cut.
        const large = await traced(rA, ['--count', '2'], () => ping(hA, HOST_B, { count: 1 }));
        const [request, gre, esp] = large.paths;
        expect(request?.rows.map(({ dontFragment }) => dontFragment).at(-1)).toBe(false);
        expect(gre?.head).toMatchObject({ protocol: 'gre', length: 1538 });
        // See test/lab/esp.test.ts.
        expect(esp?.head).toMatchObject({ protocol: 'esp', length: 1572 });
        expect(large.dropped).toEqual([]);
        await downBoth(ends);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );

  // test/netns/trace.test.ts tells the same of the host's kernel.
  it(
    'leaves nothing, also when it is killed: the next one takes that away',
    async () => {
      await guest().modprobe('br_netfilter');
      const net = await article(guest());
      try {
        const { rA } = net;
        await plainTunnel(net);
        await tables(rA, 'iptables-legacy');
        const before = await firewallText(rA);
        const logger = await rA.read('/proc/sys/net/netfilter/nf_log/2');
        expect((await smallPing(net)).received).toBe(1);
        const [node, main] = commandOf(rA);
        for (const backend of ['nft', 'iptables-legacy']) {
          const victim = rA.spawn(node, [main, ...FLOW, '--seconds', '600', '--backend', backend]);
          await victim.says(/send the traffic now/, 120 * SECOND);
          expect(await firewallText(rA)).not.toEqual(before);
          expect(await rA.read('/proc/sys/net/netfilter/nf_log/2')).toBe('nfnetlink_log');
          // One at a time.
          const second = await clearDf(rA, FLOW, 60 * SECOND);
          expect(second).toMatchObject({ exitCode: 5 });
          expect(second.stderr).toContain(`process ${victim.pid}`);
          await victim.stop('SIGKILL');

          const next = await traced(rA, ['--count', '2', '--backend', backend], () => smallPing(net));
          expect(withoutPostrouting(chains(next.paths))).toEqual(listed('gre'));
          expect(await firewallText(rA)).toEqual(before);
          // The first TRACE rule brings the kernel's own logger, which stays.
          expect([logger, 'nf_log_ipv4']).toContain(await rA.read('/proc/sys/net/netfilter/nf_log/2'));
          // Neither its readers nor its journal.
          expect((await rA.machine.run(['ip', 'netns', 'pids', rA.name])).stdout).toBe('');
          expect((await rA.try('ls', ['/run/clear-df'])).stdout).not.toContain('trace');
        }
        // TERM ends it well, and without traffic it says so.
        const idle = rA.spawn(node, [main, ...FLOW, '--seconds', '600']);
        await idle.says(/send the traffic now/, 120 * SECOND);
        expect(await idle.stop('SIGTERM')).toMatchObject({ exitCode: 1 });
        expect(idle.stdout).toContain('nothing of it was seen');
        expect(await firewallText(rA)).toEqual(before);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
      expect(await guest().kernelComplaints()).toEqual([]);
    },
    600 * SECOND,
  );
});
