/**
 * The fast path: a program at tc clears DF, and the queue behind it gets what only it can do.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 *                        program at ingress
 *
 * A 1500-byte packet leaves eth1 as two fragments.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FastStats } from '../../src/fast-path/fast-path.js';
import { Capture } from '../helpers/capture.js';
import { clearDf, type Daemon, MAIN, startClearDf } from '../helpers/clear-df.js';
import { fragmentsWithDf } from '../helpers/fragments-with-df.js';
import { nstat, ruleCounter, rulesText } from '../helpers/kernel.js';
import { variants } from '../helpers/more.js';
import { CLIENT, forgetPathMtu, learntPathMtu, type Routed, routed, SERVER } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';

const PYTHON = '/usr/bin/python3';
const RULE = ['--install-rules', '--forwarded', '--in-dev', 'eth0', '--out-dev', 'eth1'];
const BY_LENGTH = ['--install-rules', '--forwarded', '--in-dev', 'eth0', '--larger-than', '576'];
const REQUIRED = [...RULE, '--fast-path', 'require'];

let net: Routed;
beforeEach(async () => {
  net = await routed();
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

async function place(daemon: Daemon): Promise<FastStats> {
  const { fastPath } = await daemon.stats();
  expect(fastPath).toHaveLength(1);
  return fastPath[0] as FastStats;
}

it('--dry-run says what would be attached, beside which rules, and attaches nothing', async () => {
  const dryRun = async (...args: string[]) =>
    (await clearDf(net.router, ['run', '--queue', '0', '--install-rules', ...args, '--dry-run'])).stdout;
  const forwarded = await dryRun('--forwarded', '--in-dev', 'eth0', '--out-dev', 'eth1');
  expect(forwarded.split('\n')[0]).toBe(
    '# attach the fast path at ingress of eth0: name default, identification random, route mtu, larger than 1400 bytes',
  );
  const outer = await dryRun('--local', '10.0.1.1', '--proto', 'gre');
  expect(outer).toMatch(/^# without the fast path: outer headers that this host makes are the queue's/);
  // No IPv4 packet is longer than 65,535 bytes, whatever the MTU of lo is.
  expect(await dryRun('--forwarded', '--in-dev', 'eth0', '--out-dev', 'lo')).toMatch(/larger than 65535 bytes/);
  expect(await tc()).not.toContain('clear-df');
});

/** Everything that tc shows of the router. */
async function tc(): Promise<string> {
  const { router } = net;
  const words = ['qdisc show', 'filter show dev eth0 ingress', 'filter show dev eth0 egress'];
  return (await Promise.all(words.map((line) => router.exec('tc', line.split(' '))))).join('--\n');
}

describe('full-size packets with DF', () => {
  it('pass without having been in the queue, each in two fragments that share an identification of their own', async () => {
    const COUNT = 4;
    const { client, router, server } = net;
    const daemon = await startClearDf(router, '0', REQUIRED);
    const far = await Capture.start(server, 'eth0', ['icmp', 'and', 'src', CLIENT]);
    expect(await ping(client, SERVER, { count: COUNT })).toMatchObject({ received: COUNT, loss: 0 });
    expect(await learntPathMtu(client, SERVER)).toBeUndefined();
    const fragments = await far.stop(2 * COUNT);
    expect(fragments.every(({ dontFragment, headerChecksumGood }) => !dontFragment && headerChecksumGood)).toBe(true);
    const ids = new Set(fragments.map(({ identification }) => identification));
    expect(ids.size).toBe(COUNT);
    expect(ids.has(0)).toBe(false);
    expect(await place(daemon)).toMatchObject({
      device: 'eth0',
      direction: 'ingress',
      counters: { cleared: COUNT, identifications: COUNT, leftForQueue: 0, failed: 0 },
    });
    expect((await daemon.settledStats()).totals.packets).toBe(0);
    const { stdout } = await clearDf(router, ['stats']);
    expect(stdout).toMatch(/fast path +ingress of eth0\n[^]*DF cleared +4\n/);
    const line = `clear_df_fast_path_packets_total{device="eth0",direction="ingress",result="cleared"} ${COUNT}`;
    expect(await router.exec('curl', ['-s', 'http://127.0.0.1:9857/metrics'])).toContain(line);
    expect((await clearDf(router, ['metrics'])).stdout).toContain(line);
  });

  it('meet every rule of everybody, small ones and large ones alike', async () => {
    const COUNT = 4;
    const { client, router } = net;
    await startClearDf(router, '0', [...REQUIRED, '--backend', 'iptables-nft']);
    const comment = ['-m', 'comment', '--comment', 'seen', '-j', 'ACCEPT'];
    await router.exec('iptables-nft', ['-t', 'mangle', '-A', 'PREROUTING', '-s', CLIENT, '-p', 'icmp', ...comment]);
    for (const size of [56, 1472]) expect((await ping(client, SERVER, { size, count: COUNT })).received).toBe(COUNT);
    expect((await ruleCounter(router, 'seen', 'iptables-nft')).packets).toBe(2 * COUNT);
  });

  it("are cleared where the route's own MTU is smaller than the device's, and left alone where they fit", async () => {
    const { client, router } = net;
    const route = ['route', 'change', '10.0.1.0/24', 'dev', 'eth1', 'src', '10.0.1.1', 'mtu', '1300'];
    await router.ip(...route);
    const daemon = await startClearDf(router, '0', REQUIRED);
    // 1350 bytes fit the device, and not the route; 1300 fit both.
    expect((await ping(client, SERVER, { size: 1350 - 28, count: 3 })).received).toBe(3);
    expect((await ping(client, SERVER, { size: 1300 - 28, count: 3 })).received).toBe(3);
    expect((await place(daemon)).counters).toMatchObject({ cleared: 3, fits: 3 });
    expect((await daemon.settledStats()).totals.packets).toBe(0);
  });

  it('from two senders behind MASQUERADE: no identification repeats in 4000', async () => {
    const { client, router, server } = net;
    await client.ip('addr', 'add', '10.0.0.3/24', 'dev', 'eth0');
    await router.exec('iptables', ['-t', 'nat', '-A', 'POSTROUTING', '-o', 'eth1', '-j', 'MASQUERADE']);
    const daemon = await startClearDf(router, '0', REQUIRED);
    const capture = await Capture.start(server, 'eth0', ['udp and ip[6:2] & 0x3fff = 0x2000'], 96);
    await Promise.all([CLIENT, '10.0.0.3'].map((from) => client.exec(PYTHON, ['-c', SEND, from, SERVER])));
    const datagrams = await capture.stop(4000);
    expect(new Set(datagrams.map(({ source }) => source))).toEqual(new Set(['10.0.1.1']));
    expect(new Set(datagrams.map(({ identification }) => identification)).size).toBe(4000);
    expect((await place(daemon)).counters.cleared).toBe(4000);
  });
});

/** 2000 datagrams of 1500 bytes with DF from an address to another, at a pace that no backlog is too short for. */
const SEND = `
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, 10, 3)
s.bind((sys.argv[1], 0))
for i in range(2000):
    s.sendto(bytes(1472), (sys.argv[2], 9))
    if i % 16 == 15: time.sleep(0.004)
`;

describe('the program', () => {
  it('stays and goes on clearing when the process is killed; the next one goes on counting', async () => {
    const { client, router } = net;
    const first = await startClearDf(router, '0', REQUIRED);
    expect((await ping(client, SERVER)).received).toBe(3);
    await first.stop('SIGKILL');
    await forgetPathMtu(client);
    expect((await ping(client, SERVER)).received).toBe(3);
    const { stdout } = await clearDf(router, ['stats']);
    expect(stdout).toMatch(/DF cleared +6\n/);
    const metrics = await clearDf(router, ['metrics']);
    expect(metrics.stderr).toContain('the fast path goes on without it');
    expect(metrics.stdout).toMatch(/fast_path_packets_total\{[^}]*result="cleared"\} 6$/m);

    const second = await startClearDf(router, '0', REQUIRED);
    expect(second.running.stderr).toContain('the one that was there is adopted, and its counters go on');
    expect((await place(second)).counters.cleared).toBe(6);
    expect((await ping(client, SERVER)).received).toBe(3);
    expect((await place(second)).counters.cleared).toBe(9);
  });

  it.each([
    ['is killed', 'SIGKILL', /clear-df/],
    ['hands over', 'SIGUSR2', /^(?!.*clear-df)/s],
  ] as const)(
    'loses no full-size packet while the process %s under load and the next one adopts it',
    async (...how) => {
      const [, signal, rules] = how;
      const { client, router, server } = net;
      const first = await startClearDf(router, '0', REQUIRED);
      const flood = client.spawn('ping', ['-f', '-q', '-M', 'do', '-s', '1472', SERVER]);
      const clears = async (daemon: Daemon, atLeast: number) =>
        until(`${atLeast} packets are cleared`, async () => (await place(daemon)).counters.cleared >= atLeast);
      await clears(first, 200);
      const before = (await place(first)).counters.cleared;
      await first.stop(signal);
      expect(await rulesText(router)).toMatch(rules);
      const second = await startClearDf(router, '0', REQUIRED);
      // More than were cleared while nobody looked: they were, before the second came to the device.
      const adopted = (await place(second)).counters.cleared;
      expect(adopted).toBeGreaterThan(before);
      await clears(second, adopted + 200);
      await flood.stop('SIGINT');
      const sent = Number(/(\d+) packets transmitted/.exec(flood.stdout)?.[1]);
      await until('each request has arrived whole', async () => (await nstat(server))('IcmpInEchos') === sent);
      expect((await place(second)).counters).toMatchObject({ cleared: sent });
      expect((await second.settledStats()).totals.packets).toBe(0);
    },
  );

  it('stays with its device when that is renamed, and goes from there at the end', async () => {
    const { router } = net;
    const rename = async (from: string, to: string) => {
      await router.ip('link', 'set', from, 'down');
      await router.ip('link', 'set', from, 'name', to);
      await router.ip('link', 'set', to, 'up');
    };
    const filters = async (device: string) => router.exec('tc', ['filter', 'show', 'dev', device, 'ingress']);
    const daemon = await startClearDf(router, '0', REQUIRED);
    await rename('eth0', 'lan0');
    daemon.running.kill('SIGHUP');
    await daemon.running.says(/eth0 is called lan0 now: the fast path stays there/);
    expect(await filters('lan0')).toContain('clear-df:default');
    expect((await daemon.stop()).exitCode).toBe(0);
    expect(await filters('lan0')).not.toContain('clear-df');
  });

  it('goes with `rules remove` after kill -9', async () => {
    const { router } = net;
    const before = await tc();
    const daemon = await startClearDf(router, '0', REQUIRED);
    await daemon.stop('SIGKILL');
    expect(await tc()).not.toBe(before);
    const { exitCode, stderr } = await clearDf(router, ['rules', 'remove']);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain('fast path of default removed');
    expect(await tc()).toBe(before);
  });

  it.each(
    variants<[string, string[]]>(
      [
        "another program's filter",
        ['qdisc add dev eth0 clsact', 'filter add dev eth0 ingress pref 7 protocol ip u32 match u32 0 0 classid 1:1'],
      ],
      ['nothing', []],
      ['a clsact of somebody else', ['qdisc add dev eth0 clsact']],
    ),
  )('leaves tc as it was at the end, where there was %s', async (_, made) => {
    const { client, router } = net;
    for (const line of made) await router.exec('tc', line.split(' '));
    const before = await tc();
    const daemon = await startClearDf(router, '0', REQUIRED);
    expect(await tc()).toContain('clear-df:default');
    expect((await ping(client, SERVER)).received).toBe(3);
    expect((await daemon.stop()).exitCode).toBe(0);
    expect(await tc()).toBe(before);
  });

  it('is attached again after another program has removed its qdisc', async () => {
    const { client, router } = net;
    const daemon = await startClearDf(router, '0', REQUIRED);
    expect((await ping(client, SERVER)).received).toBe(3);
    await router.exec('tc', ['qdisc', 'del', 'dev', 'eth0', 'clsact']);
    daemon.running.kill('SIGHUP');
    await until('it is there again', async () => (await tc()).includes('clear-df:default'));
    expect((await ping(client, SERVER)).received).toBe(3);
    expect((await place(daemon)).counters.cleared).toBe(6);
  });
});

describe('on HUP', () => {
  it('takes new settings in place, is switched off and on, and goes on counting meanwhile', async () => {
    const { client, router, server, lab } = net;
    const file = path.join(await lab.scratch(), 'clear-df.yaml');
    const rule = 'queue: 0\ninstall-rules: true\nforwarded: true\nin-dev: eth0\nout-dev: eth1\n';
    const configure = (more: string) => writeFile(file, `${rule}${more}\n`);
    await configure('fast-path: require\nidentification: keep');
    const running = router.spawn(process.execPath, [MAIN, 'run', '--config', file]);
    await running.says(/clear-df is running/);
    const identifications = async (): Promise<number[]> => {
      const far = await Capture.start(server, 'eth0', [`icmp and src ${CLIENT} and ip[6:2] & 0x3fff = 0x2000`], 96);
      expect((await ping(client, SERVER)).received).toBe(3);
      return (await far.stop(3)).map(({ identification }) => identification);
    };
    await identifications();
    await configure('fast-path: require\nidentification: sequential');
    running.kill('SIGHUP');
    await running.says(/identification: sequential/);
    // In whatever order they were captured; 0 is left out where the count begins anew.
    const expectInARow = (ids: number[]) => expect(ids.filter((id) => ids.includes((id % 65_535) + 1))).toHaveLength(2);
    expectInARow(await identifications());
    const { stdout } = await clearDf(router, ['stats', '--json']);
    expect((JSON.parse(stdout) as { fastPath: FastStats[] }).fastPath[0]?.counters.cleared).toBe(6);

    await configure('fast-path: off\nidentification: sequential');
    running.kill('SIGHUP');
    await running.says(/fast-path: off/);
    expect(await tc()).not.toContain('clear-df');
    // By the queue now, which began with keep.
    expectInARow(await identifications());
    await configure('fast-path: auto');
    running.kill('SIGHUP');
    await running.says(/fast-path: auto/);
    expect(await tc()).toContain('clear-df:default');
    expect((await running.stop()).exitCode).toBe(0);
  });
});

it('fragments with DF lose it before connection tracking puts them together', async () => {
  const { client, router, server } = net;
  await router.exec('iptables', ['-A', 'FORWARD', '-m', 'conntrack', '--ctstate', 'NEW,ESTABLISHED', '-j', 'ACCEPT']);
  const daemon = await startClearDf(router, '0', [...BY_LENGTH, '--fast-path', 'require']);
  const before = (await nstat(server))('IpReasmOKs');
  await client.exec(PYTHON, ['-c', fragmentsWithDf(CLIENT, SERVER)]);
  await until('three datagrams are whole', async () => (await nstat(server))('IpReasmOKs') === before + 3);
  expect((await nstat(router))('IpFragFails')).toBe(0);
  expect((await place(daemon)).counters).toMatchObject({ cleared: 6, fragments: 6, identifications: 0 });
  expect((await daemon.settledStats()).totals.packets).toBe(0);
});
