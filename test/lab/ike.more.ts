/**
 * The article's tunnel inside ESP whose keys come from IKE: each router has a charon of its own, and what charon knows
 * of the tunnel comes from clear-df alone. `test/helpers/article.ts` draws the network; the WAN carries ESP and UDP 500.
 */
import { beforeAll, expect, it } from 'vitest';
import { type Article, article, HOST_A, HOST_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { clearDf } from '../helpers/clear-df.js';
import { losesInSilence } from '../helpers/esp.js';
import { Charon } from '../helpers/ike.js';
import { certificateCarriers, pskCarrier, REKEY } from '../helpers/ike-site.js';
import { longFlow } from '../helpers/long-flow.js';
import { xfrmTroubles } from '../helpers/kernel.js';
import type { Namespace } from '../helpers/netns.js';
import { routerText } from '../helpers/router-text.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
/** Everything but ESP and IKE; fragments of ESP are ESP. */
const READABLE = 'ip and not ip proto 50 and not udp port 500 and not udp port 4500'.split(' ');
/** `npm run lab -- --all`, and CLEAR_DF_LAB_ALL=1: three minutes. */
const ALL = process.env['CLEAR_DF_LAB_ALL'] === '1';
const FLOW_SECONDS = ALL ? 180 : 45;

/** Files of charon's in a router's own `/etc`. */
async function files(at: Namespace): Promise<string> {
  return at.exec('sh', ['-c', 'cd /etc/swanctl && ls -l conf.d x509 x509ca private']);
}

async function charons({ rA, rB }: Article): Promise<[Charon, Charon]> {
  return Promise.all([Charon.start(rA), Charon.start(rB)]);
}

describeKernels(['own'], 'the article with keys from IKE', (guest) => {
  // Loaded before all else: modules stay, and some give every namespace devices.
  beforeAll(async () => guest().modprobe('ip_gre', 'br_netfilter'));

  it(
    'from a pre-shared key, and new ones every 20 seconds under traffic',
    async () => {
      const net = await article(guest());
      try {
        const { hA, rA, w, rB, hB } = net;
        const [charonA] = await charons(net);
        const before = { router: await routerText(rA), files: await files(rA) };
        const carrier = await pskCarrier(net, 'both', { rekey: REKEY });
        const ends = await tunnelEnds(net, { carrier, engine: 'nfqueue' });
        const readable = await Capture.start(w, 'eth1', READABLE);

        // The tunnel alone: what has to be cut does not come through, and what is small does.
        await Promise.all(
          ends.map(async ({ at, file }) => {
            const done = await clearDf(at, ['tunnel', 'up', file, '--setup-only'], 120 * SECOND);
            expect(done, done.stderr).toMatchObject({ exitCode: 0 });
          }),
        );
        expect(await ping(hA, HOST_B, { size: 1000 })).toMatchObject({ received: 3 });
        expect(await ping(hA, HOST_B)).toMatchObject({ received: 0 });
        await upBoth(ends);
        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        expect(await ping(hB, HOST_A)).toMatchObject({ sent: 3, received: 3 });
        for (const { at, file } of ends) {
          const status = await clearDf(at, ['tunnel', 'status', file], 60 * SECOND);
          expect(status, status.stdout).toMatchObject({ exitCode: 0 });
          expect(status.stdout).toMatch(/ok +IKE: established with [\d.]+ .* \(transport mode\) made/);
        }

        await losesInSilence(net);
        const installed = /CHILD_SA clear-df-site-a\{\d+\} established/;
        const errors = await Promise.all([rA, rB].map(xfrmTroubles));
        const keysBefore = await charonA.count(installed);
        const flow = await longFlow(hA, hB, HOST_B, { seconds: FLOW_SECONDS });
        const rekeyed = (await charonA.count(installed)) - keysBefore;
        // Each comes at most 2 s early, inbound and outbound half are told apart: 2 lines; the first may be under way.
        expect(rekeyed).toBeGreaterThanOrEqual(2 * (Math.floor(FLOW_SECONDS / REKEY) - 1));
        // What a change of keys loses, the kernel counts: no state for a packet that came, none for one that leaves.
        expect(await Promise.all([rA, rB].map(xfrmTroubles)), JSON.stringify(flow)).toEqual(errors);
        // Seen: none in 45 s, one in three minutes, of some 15,000. A busy machine drops more, and counts it; of a packet that
        // waits in a queue, too.
        const late = await Promise.all(ends.map(async ({ daemon }) => (await daemon.stats()).totals.overrun));
        const counted = late.reduce((sum, one) => sum + one, flow.udp.overrun);
        expect(flow.udp.lost, JSON.stringify({ flow, late })).toBeLessThanOrEqual(flow.udp.sent / 1000 + counted);

        if (ALL) {
          // The same without clear-df, as far as that goes: small packets, and nothing mangles.
          for (const { daemon } of ends) await daemon.stop();
          const plain = await longFlow(hA, hB, HOST_B, { seconds: FLOW_SECONDS, size: 1200 });
          console.log(JSON.stringify({ seconds: FLOW_SECONDS, rekeyed, flow, plain }));
          expect(flow.udp.lost).toBeLessThanOrEqual(plain.udp.lost + 1);
        }

        await downBoth(ends);
        expect(await readable.stop(0)).toEqual([]);
        expect({ router: await routerText(rA), files: await files(rA) }).toEqual(before);
        expect(await rA.exec('swanctl', ['--list-conns'])).toBe('');
        expect(await rA.exec('swanctl', ['--list-sas'])).toBe('');
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    1500 * SECOND,
  );

  it(
    'from certificates, in tunnel mode',
    async () => {
      const net = await article(guest());
      try {
        const { hA, rA, w } = net;
        await charons(net);
        const before = await files(rA);
        const [a, b] = await certificateCarriers(net, { mode: 'tunnel', cipher: 'aes-cbc-128-sha256' });
        const ends = await tunnelEnds(
          net,
          { carrier: a, engine: 'tunnel-flag' },
          { carrier: b, engine: 'tunnel-flag' },
        );
        const readable = await Capture.start(w, 'eth1', READABLE);
        await upBoth(ends);
        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        const status = await clearDf(rA, ['tunnel', 'status', ends[0].file], 60 * SECOND);
        expect(status.stdout).toMatch(/ok +IKE: established with [\d.]+ .* \(tunnel mode\) made/);
        expect(await files(rA)).toMatch(/-rw------- .* clear-df-site-a\.pem/);
        await downBoth(ends);
        expect(await readable.stop(0)).toEqual([]);
        expect(await files(rA)).toBe(before);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    600 * SECOND,
  );
});
