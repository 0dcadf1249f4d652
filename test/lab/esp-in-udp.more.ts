/**
 * The article's tunnel inside ESP inside UDP, with static keys. `test/helpers/article.ts` draws the network; each `up`
 * holds a socket on port 4500, whatever its engine: router A mangles as well, router B has nothing but the socket.
 *
 * A host's packet of 1500 bytes is a GRE packet of 1538: outer IPv4 20 + 1518. Around what follows the IPv4 header goes
 *
 *            UDP 8, SPI and sequence 8, IV 8, padding to 4 with 2 bytes of trailer, ICV 16
 *   transport  20 + 8 + 8 + 8 + (1518 + 2 → 1520) + 16 = 1580 = 1500 + 100      (100 = 20 + 1580 - 1500)
 *   tunnel     20 + 8 + 8 + 8 + (1538 + 2 → 1540) + 16 = 1600 = 1500 + 120      with the inner IPv4 header in it
 *
 * The story compares the wire with what `tunnel plan` says, and that with these figures.
 */
import { expect, it } from 'vitest';
import type { EspMode } from '../../src/tunnel/site/site.js';
import type { Sizes } from '../../src/tunnel/sizes.js';
import { article, HOST_A, HOST_B, ROUTER_A, ROUTER_B } from '../helpers/article.js';
import { Capture, type Captured } from '../helpers/capture.js';
import { clearDf } from '../helpers/clear-df.js';
import { expectFlowsWhole } from '../helpers/flows.js';
import { xfrmTroubles } from '../helpers/kernel.js';
import { espInUdpCarrier, losesInSilence } from '../helpers/esp.js';
import type { Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, type TunnelEnd, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
/** One byte 0xff behind a UDP header, and no checksum (RFC 3948 §2.3). */
const KEEPALIVE = 'udp[4:2] = 9 and udp[8] = 0xff and udp[6:2] = 0';
/** The non-ESP marker and the header of an IKE message: version 2.0, IKE_SA_INIT, 28 bytes. */
const IKE = `\\0\\0\\0\\0${'\\1'.repeat(8)}${'\\0'.repeat(8)}\\41\\40\\42\\10\\0\\0\\0\\0\\0\\0\\0\\34`;

const STORIES: { mode: EspMode; wire: number[] }[] = [
  { mode: 'transport', wire: [1500, 100] },
  { mode: 'tunnel', wire: [1500, 120] },
];

interface Status {
  ok: boolean;
  socket: { address: string; holder: string; ok: boolean };
}

async function statusOf({ at, file }: TunnelEnd): Promise<Status> {
  return JSON.parse((await clearDf(at, ['tunnel', 'status', file, '--json'], 120_000)).stdout) as Status;
}

/** Sends an IKE message that nobody has asked for, from a port that nobody has agreed on. */
async function sendIke(from: Namespace, to: string): Promise<void> {
  await from.exec('bash', ['-c', `printf '${IKE}' >/dev/udp/${to}/4500`]);
}

/** The fragments of each packet, by its source and identification. */
function packetsOf(fragments: readonly Captured[]): Sizes['wire'][] {
  const packets = new Map<string, Sizes['wire']>();
  for (const { source, identification, length, offset, moreFragments } of fragments) {
    const key = `${source} ${identification}`;
    packets.set(key, [...(packets.get(key) ?? []), { length, offset, moreFragments }]);
  }
  return [...packets.values()].map((wire) => wire.sort((a, b) => a.offset - b.offset));
}

describeKernels(['own'], 'the article inside ESP in UDP', (guest) => {
  it.each(STORIES)(
    '$mode mode',
    async ({ mode, wire: expected }) => {
      // The module stays when a tunnel goes, and brings devices of its own into every namespace.
      await guest().modprobe('ip_gre', 'esp4', 'br_netfilter');
      const net = await article(guest());
      try {
        const { hA, rA, w, rB, hB } = net;
        const carrier = await espInUdpCarrier(net, mode, 'aes-gcm-256', 'keepalive: 1');
        const ends = await tunnelEnds(net, { carrier, engine: 'nfqueue' }, { carrier, engine: 'tunnel-flag' });
        const [near, far] = ends;
        const [textA, textB] = [await routerText(rA), await routerText(rB)];
        const [{ wire: planned }, before] = await Promise.all([near.plannedSizes(), ping(hA, HOST_B)]);
        expect(before).toMatchObject({ received: 0 });
        expect(planned.map(({ length }) => length)).toEqual(expected);
        const everything = await Capture.start(w, 'eth1', ['ip']);
        await upBoth(ends);

        // 3 requests and 3 replies, twice: 12 packets, each as the plan has it.
        const fragments = await Capture.start(w, 'eth1', ['ip[6:2] & 0x3fff != 0']);
        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        expect(await ping(hB, HOST_A)).toMatchObject({ sent: 3, received: 3 });
        const packets = packetsOf(await fragments.stop(12 * planned.length));
        expect(packets).toEqual(Array.from({ length: 12 }, () => planned));

        await expectFlowsWhole(net, 1_000_000, 200);

        for (const router of [rA, rB]) {
          expect(await xfrmTroubles(router)).toEqual({});
        }
        await losesInSilence(net);

        if (mode === 'transport') {
          // What is for an IKE daemon is said once, and does no harm.
          await sendIke(w, ROUTER_B);
          await far.running.says(/packets from 172\.16\.0\.2 to 172\.16\.0\.1:4500 were no ESP/);
          expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
          // Without its process nothing arrives, and status says so; up goes on.
          await far.running.stop('SIGKILL');
          expect(await ping(hA, HOST_B, { size: 56, count: 1 })).toMatchObject({ received: 0 });
          const [dead, alive] = await Promise.all([statusOf(far), statusOf(near)]);
          expect(dead).toMatchObject({
            ok: false,
            socket: { address: `${ROUTER_B}:4500`, holder: 'nobody', ok: false },
          });
          expect(alive).toMatchObject({ ok: true, socket: { address: `${ROUTER_A}:4500`, ok: true } });
          expect(alive.socket.holder).toContain(`process ${near.running.pid} `);
          await far.up();
          expect(await ping(hA, HOST_B)).toMatchObject({ received: 3 });
        }

        await downBoth(ends);
        await everything.finish(24);
        // ESP in UDP; w's own message; and before and after the tunnel, where a keepalive or ESP came to a port that was
        // not open, an ICMP error that quotes UDP.
        const refused = 'icmp[0] = 3 and icmp[1] = 3 and icmp[17] = 17';
        const promised = ['udp port 4500', 'ip[6:2] & 0x1fff != 0 and ip proto 17', refused];
        expect(await everything.lines([`not (${promised.join(') and not (')})`])).toEqual(['']);
        expect(await everything.lines(['src host 172.16.0.2 and not icmp and not dst port 4500'])).toEqual(['']);
        for (const router of [ROUTER_A, ROUTER_B]) {
          const sent = await everything.lines([`src host ${router} and ${KEEPALIVE}`]);
          expect(sent.filter(Boolean).length).toBeGreaterThan(0);
        }
        expect(await routerText(rA)).toEqual(textA);
        expect(await routerText(rB)).toEqual(textB);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );
});
