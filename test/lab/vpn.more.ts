/**
 * The article's tunnel inside a VPN that somebody else looks after. `test/helpers/article.ts` draws the network; the
 * gretap's ends are the addresses of the VPN's devices, so the WAN carries the VPN's packets and nothing else.
 *
 *   hA ── rA br0 ── gretap1 ── wg0 ══ eth1 ── w ── eth1 ══ wg0 ── gretap1 ── br0 rB ── hB
 *
 * A host's packet of 1500 bytes is a GRE packet of 1538. The device's MTU cuts it: 1420 holds 20 + 1400, and 118 are
 * left, 138 with a header. WireGuard fills up to 16 (138 → 144; 1420 is the MTU, and stays), and puts 32 of its own,
 * UDP 8 and IPv4 20 around: 1480 and 204 on the WAN.
 */
import { expect, it } from 'vitest';
import { type Article, article, HOST_A, HOST_B } from '../helpers/article.js';
import { Capture, type Captured, severalZero } from '../helpers/capture.js';
import { clearDf } from '../helpers/clear-df.js';
import { datagrams } from '../helpers/datagrams.js';
import { deliver } from '../helpers/delivery.js';
import { openconnect } from '../helpers/openconnect.js';
import { openvpn } from '../helpers/openvpn.js';
import { routerText } from '../helpers/router-text.js';
import { deviceTroubles } from '../helpers/route-based.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, TunnelEnd, upBoth } from '../helpers/tunnel.js';
import { until } from '../helpers/until.js';
import type { Vpn, VpnMaker } from '../helpers/vpn.js';
import { wireguard } from '../helpers/wireguard.js';
import { describeKernels, stands } from './kernels.js';

const SECOND = 1000;
const STREAM = 1_000_000;
/** How a machine says that nobody takes the VPN's packets while one end is away. */
const UNREACHABLE = 'icmp[icmptype] == icmp-unreach';

const STORIES: { name: string; make: VpnMaker; otherMtu?: number }[] = [
  { name: 'WireGuard', make: wireguard, otherMtu: 1380 },
  { name: 'OpenConnect and ocserv', make: openconnect },
  { name: 'OpenVPN', make: openvpn, otherMtu: 1300 },
];

async function ends({ rA, rB }: Article, { a, b }: Vpn): Promise<[TunnelEnd, TunnelEnd]> {
  const carrier = 'tun';
  return [
    await TunnelEnd.write(rA, 'site-a', a.address, b.address, { carrier, underlay: a.device }),
    await TunnelEnd.write(rB, 'site-b', b.address, a.address, { carrier, underlay: b.device }),
  ];
}

/** Everything of a router; a device that has come anew has another number. */
async function withoutNumbers(at: Article['rA']): Promise<Record<string, string>> {
  const texts = Object.entries(await routerText(at));
  return Object.fromEntries(texts.map(([name, text]) => [name, text.replace(/^\d+: /gm, '')]));
}

function lengths(packets: readonly Captured[]): number[] {
  return packets.map(({ length }) => length).sort((x, y) => y - x);
}

describeKernels(['own'], "the article inside somebody else's VPN", (guest, series) => {
  it.each(STORIES)(
    '$name',
    async ({ make, otherMtu }) => {
      // Modules are the machine's, whose two routers come and go in any order.
      await guest().modprobe('ip_gre', 'br_netfilter', 'tun', 'wireguard');
      const net = await article(guest());
      try {
        const { hA, rA, w, hB } = net;
        // With its first rule the kernel splits tables local and main for good (fib_unmerge()), and route(8), which
        // OpenConnect's script runs, gets another scope from then on.
        for (const verb of ['add', 'delete']) await rA.ip('rule', verb, 'to', '192.0.2.1', 'table', 'main');
        const vpn = await make(net);
        const before = await withoutNumbers(rA);
        const wan = await Capture.start(w, 'eth1', ['ip'], 128);
        const both = await ends(net, vpn);
        const [end] = both;
        const [lost, sizes] = await Promise.all([ping(hA, HOST_B), end.plannedSizes()]);
        expect(lost).toMatchObject({ received: 0 });
        await upBoth(both);
        expect(sizes).toMatchObject({ outer: 1538, pathMtu: vpn.mtu, cutBy: vpn.a.device });

        // Nothing but the ping is as large: a frame of WireGuard's handshake has 190 bytes, the last fragment's 218.
        const inside = await Capture.start(rA, vpn.a.device, [`ip proto 47 and src ${vpn.a.address} and greater 100`]);
        const outside = await Capture.start(w, 'eth0', [`src host 192.168.200.1 and greater 200`], 128);
        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        const cut = await inside.stop(6);
        expect(lengths(cut)).toEqual(lengths([...sizes.packets, ...sizes.packets, ...sizes.packets] as Captured[]));
        expect(cut.some(({ dontFragment }) => dontFragment)).toBe(false);
        expect(severalZero(cut.filter(({ offset }) => offset === 0))).toBe(false);
        const sealed = lengths(await outside.stop(6));
        if (sizes.later.length > 0)
          expect(sealed).toEqual(lengths([...sizes.wire, ...sizes.wire, ...sizes.wire] as Captured[]));
        expect(await ping(hB, HOST_A)).toMatchObject({ sent: 3, received: 3 });
        for (const one of both) {
          expect((await one.daemon.settledStats()).totals).toMatchObject({ packets: 3, cleared: 3, leaked: 0 });
        }
        expect((await deliver(hA, hB, HOST_B, 300_000)).grew('TcpInCsumErrors')).toBe(0);
        const flow = await datagrams(hA, hB, HOST_B, { count: 60 });
        expect(flow).toMatchObject({ sent: 60, lost: 0, outOfOrder: 0 });

        await restarted(net, vpn, end, { otherMtu, patient: stands(series, 'own') });
        await downBoth(both);
        expect(await withoutNumbers(rA)).toEqual(before);
        await wan.finish(0);
        expect(await wan.lines([`not (${vpn.filter} or ${UNREACHABLE})`])).toEqual(['']);
        expect((await wan.lines([vpn.filter])).length).toBeGreaterThan(1000);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    400 * SECOND,
  );
});

/**
 * The VPN goes in the middle of a stream, which ends byte for byte all the same, by the same process.
 * @param patient waits until clear-df has said that the device is gone, before it comes back
 */
async function restarted(net: Article, vpn: Vpn, end: TunnelEnd, { otherMtu, patient }: Restart): Promise<void> {
  const { hA, hB } = net;
  const { running } = end.daemon;
  const { pid } = running;
  const { packets } = (await end.daemon.settledStats()).totals;
  // 16 s on the wire, so that it is under way for certain.
  await hA.exec('tc', [
    'qdisc',
    'add',
    'dev',
    'eth0',
    'root',
    'tbf',
    'rate',
    '500kbit',
    'burst',
    '16kb',
    'latency',
    '1s',
  ]);
  let ended = false;
  const stream = deliver(hA, hB, HOST_B, STREAM, 240 * SECOND).finally(() => (ended = true));
  await until('the stream runs', async () => (await end.daemon.stats()).totals.packets > packets + 5);
  await vpn.stop();
  const gone = new RegExp(`${vpn.b.address} is unreachable: there is no device ${vpn.a.device}`);
  if (patient) await running.says(gone, 60 * SECOND);
  expect(ended).toBe(false);
  await vpn.start(otherMtu);
  const route = `${vpn.a.device}, MTU ${otherMtu ?? vpn.mtu}`;
  const back = new RegExp(
    patient
      ? `the path to ${vpn.b.address} is back: through ${route}`
      : `${vpn.a.device} was gone for a moment .* ${route}`,
  );
  await running.says(back, 60 * SECOND);
  expect((await stream).grew('TcpInCsumErrors')).toBe(0);
  await hA.exec('tc', ['qdisc', 'delete', 'dev', 'eth0', 'root']);
  expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
  expect(await datagrams(hA, hB, HOST_B, { count: 50 })).toMatchObject({ sent: 50, lost: 0 });
  if (otherMtu !== undefined) {
    await running.says(new RegExp(`${vpn.a.device} now carries ${otherMtu} bytes, before ${vpn.mtu}`), 60 * SECOND);
    await heldBack(net, vpn);
    await vpn.stop();
    await asked(vpn, end);
    await vpn.start();
  }
  const after = (await end.daemon.settledStats()).totals;
  // Of one stream, three requests and fifty datagrams, none of which a new process could have counted.
  expect(after.packets).toBeGreaterThan(packets + 53);
  expect(after.leaked).toBe(0);
  expect([running.pid, running.ended]).toEqual([pid, undefined]);
}

/**
 * A device that is down has lost its route, but not its address: GRE would leave by the default route, readable. The
 * WAN's capture shows that it does not, by the rules of the routing policy, nor without them, by nft; the counters show
 * that something was there to be held back. The running `up` puts the rules back.
 */
async function heldBack({ hA, rA }: Article, { a, b }: Vpn): Promise<void> {
  await rA.ip('link', 'set', a.device, 'down');
  expect(await rA.ip('route', 'get', b.address, 'from', a.address)).toContain('dev eth1');
  const { errors } = await deviceTroubles(rA, 'gretap1');
  expect(await ping(hA, HOST_B)).toMatchObject({ received: 0 });
  expect((await deviceTroubles(rA, 'gretap1')).errors).toBeGreaterThan(errors);
  await until('nft holds back what no rule does', async () => {
    for (const preference of ['32', '33']) await rA.try('ip', ['rule', 'delete', 'preference', preference]);
    expect(await ping(hA, HOST_B)).toMatchObject({ received: 0 });
    return /counter packets [1-9]/.test(await rA.exec('nft', ['list', 'table', 'inet', 'clear_df_site-a']));
  });
  await until('the rules are back', async () => /ipproto gre unreachable/.test(await rA.ip('rule')), 120 * SECOND);
}

/** While the device is away, and nothing else has to wait: `status` says so. */
async function asked({ a }: Vpn, { at, file }: TunnelEnd): Promise<void> {
  const status = await clearDf(at, ['tunnel', 'status', file], 120 * SECOND);
  expect(status).toMatchObject({ exitCode: 1 });
  expect(status.stdout).toContain(`DIFFERS    the path to the other end: there is no device ${a.device}`);
}

interface Restart {
  otherMtu: number | undefined;
  patient: boolean;
}
