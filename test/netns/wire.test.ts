/**
 * What leaves the router, where the kernel changes packets before or behind the queue.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server eth1 ───────── eth0 far
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2   10.0.2.1  MTU 1300  10.0.2.2
 *   another eth0 ─────── eth2
 *   10.0.3.2            10.0.3.1
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Capture } from '../helpers/capture.js';
import { startClearDf } from '../helpers/clear-df.js';
import { fragmentsWithDf } from '../helpers/fragments-with-df.js';
import { nstat } from '../helpers/kernel.js';
import type { Namespace } from '../helpers/netns.js';
import { type Routed, routed, SERVER } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';
import { until } from '../helpers/until.js';

const FORWARDED = ['--install-rules', '--forwarded', '--in-dev', 'eth0'];

let net: Routed;
beforeEach(async () => {
  net = await routed();
});
afterEach(async () => {
  await net.lab[Symbol.asyncDispose]();
});

async function another(): Promise<Namespace> {
  const { lab, router } = net;
  const host = await lab.namespace('another');
  await lab.link(
    { at: router, dev: 'eth2', address: '10.0.3.1/24' },
    { at: host, dev: 'eth0', address: '10.0.3.2/24' },
  );
  await host.ip('route', 'add', 'default', 'via', '10.0.3.1');
  return host;
}

/**
 * 2000 datagrams of 1478 bytes with DF (IP_PMTUDISC_PROBE), paced by what the router has cut: at most 50 are under way,
 * so that no backlog drops any. Each is cut in two on the small link.
 */
const SEND = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(0, 10, 3)
s.bind(('0.0.0.0', int(sys.argv[2])))
s.settimeout(60)
for i in range(2000):
    s.sendto(bytes(1450), (sys.argv[1], 4000))
    if i % 50 == 49:
        s.recv(16)
`;
/** Answers each fiftieth datagram of a sender. */
const ANSWER = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
s.bind(('0.0.0.0', 4000))
print('ready', flush=True)
seen = {}
while True:
    _, sender = s.recvfrom(2000)
    seen[sender] = seen.get(sender, 0) + 1
    if seen[sender] % 50 == 0:
        s.sendto(b'go', sender)
`;
const PYTHON = '/usr/bin/python3';

/** All first fragments on the small link, once both have sent 2000 datagrams. */
async function flow(from: [Namespace, string][]): Promise<{ source: string; destination: string; id: number }[]> {
  const { server } = net;
  const answering = server.spawn(PYTHON, ['-c', ANSWER]);
  await answering.says(/ready/);
  const capture = await Capture.start(server, 'eth0', ['udp and ip[6:2] & 0x3fff = 0x2000'], 96);
  await Promise.all(from.map(([host, to], i) => host.exec(PYTHON, ['-c', SEND, to, String(5000 + i)])));
  const captured = await capture.stop(4000);
  return captured.map(({ source, destination, identification }) => ({ source, destination, id: identification }));
}

describe('identifications behind NAT', () => {
  it('of two senders behind MASQUERADE: none repeats in 4000', async () => {
    const { client, router } = net;
    const host = await another();
    await router.exec('iptables', ['-t', 'nat', '-A', 'POSTROUTING', '-o', 'eth1', '-j', 'MASQUERADE']);
    await startClearDf(router, '0', ['--install-rules', '--forwarded', '--out-dev', 'eth1']);
    const datagrams = await flow([
      [client, SERVER],
      [host, SERVER],
    ]);
    expect(new Set(datagrams.map(({ source }) => source))).toEqual(new Set(['10.0.1.1']));
    expect(datagrams).toHaveLength(4000);
    expect(new Set(datagrams.map(({ id }) => id)).size).toBe(4000);
  });

  it('of two senders to an address that DNAT leads to the server: none repeats in 4000', async () => {
    const { client, router } = net;
    const host = await another();
    const to = '192.0.2.9';
    await router.exec('iptables', [
      '-t',
      'nat',
      '-A',
      'PREROUTING',
      '-d',
      to,
      '-j',
      'DNAT',
      '--to-destination',
      SERVER,
    ]);
    await router.exec('iptables', ['-t', 'nat', '-A', 'POSTROUTING', '-o', 'eth1', '-j', 'MASQUERADE']);
    await startClearDf(router, '0', ['--install-rules', '--forwarded', '--out-dev', 'eth1']);
    const datagrams = await flow([
      [client, to],
      [host, to],
    ]);
    expect(new Set(datagrams.map(({ source, destination }) => `${source} ${destination}`)).size).toBe(1);
    expect(datagrams).toHaveLength(4000);
    expect(new Set(datagrams.map(({ id }) => id)).size).toBe(4000);
  });
});

const RECEIVE = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', 2049))
print('ready', flush=True)
for _ in range(3):
    s.recv(9000)
    print('one', flush=True)
`;

it('fragments that come with DF leave without it, although connection tracking has put them together', async () => {
  const { lab, client, router, server } = net;
  const far = await lab.namespace('far');
  await lab.link(
    { at: server, dev: 'eth1', address: '10.0.2.1/24', mtu: 1300 },
    { at: far, dev: 'eth0', address: '10.0.2.2/24', mtu: 1300 },
  );
  await far.ip('route', 'add', 'default', 'via', '10.0.2.1');
  await router.ip('route', 'add', '10.0.2.0/24', 'via', SERVER);
  await server.sysctl({ 'net.ipv4.ip_forward': 1 });
  await router.exec('iptables', ['-A', 'FORWARD', '-m', 'conntrack', '--ctstate', 'NEW,ESTABLISHED', '-j', 'ACCEPT']);
  const daemon = await startClearDf(router, '0', [...FORWARDED, '--larger-than', '576']);
  const receiving = far.spawn(PYTHON, ['-c', RECEIVE]);
  await receiving.says(/ready/);
  await client.exec(PYTHON, ['-c', fragmentsWithDf('10.0.0.2', '10.0.2.2')]);
  await until('three datagrams have come', () => receiving.stdout.split('one').length === 4);
  expect((await nstat(server))('IpFragFails')).toBe(0);
  // Six fragments, each by itself; what connection tracking makes of them has no DF any more, and is not queued again.
  expect((await daemon.settledStats()).totals).toMatchObject({ cleared: 6, fragments: 6 });
});

describe('--larger-than mtu', () => {
  it("goes by a route's own MTU where that is smaller than the device's", async () => {
    const { client, router, server } = net;
    await router.ip(
      'route',
      'change',
      '10.0.1.0/24',
      'dev',
      'eth1',
      'proto',
      'kernel',
      'src',
      '10.0.1.1',
      'mtu',
      '1300',
    );
    await startClearDf(router, '0', [...FORWARDED, '--out-dev', 'eth1']);
    const capture = await Capture.start(server, 'eth0', ['icmp and src host 10.0.0.2']);
    // 1348 bytes: less than the device's 1400, more than the route's 1300.
    expect(await ping(client, SERVER, { size: 1320, count: 3 })).toMatchObject({ received: 3 });
    expect((await capture.stop(6)).map(({ dontFragment }) => dontFragment)).not.toContain(true);
  });

  it('follows the device at HUP, with flags alone', async () => {
    const { client, router, server } = net;
    const daemon = await startClearDf(router, '0', [...FORWARDED, '--out-dev', 'eth1']);
    const resize = async (mtu: number): Promise<void> => {
      await router.ip('link', 'set', 'eth1', 'mtu', String(mtu));
      await server.ip('link', 'set', 'eth0', 'mtu', String(mtu));
    };
    await resize(1350);
    daemon.running.kill('SIGHUP');
    await daemon.running.says(/the MTU that rules of default go by was 1400 and is 1350[^]*rules: restored/);
    // 1380 bytes: between the two.
    expect(await ping(client, SERVER, { size: 1352, count: 3 })).toMatchObject({ received: 3 });
  });
});
