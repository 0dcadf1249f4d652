/**
 * The article's two ends run different daemons: strongSwan on A, set up by clear-df, and Libreswan on B, told what
 * `clear-df tunnel ike` prints on A. B's tunnel is clear-df's as well, its IPsec is not (`keys: external`).
 * `test/helpers/article.ts` draws the network.
 */
import { expect, it } from 'vitest';
import { article, HOST_A, HOST_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { clearDf } from '../helpers/clear-df.js';
import { datagrams } from '../helpers/datagrams.js';
import { Charon, Pluto } from '../helpers/ike.js';
import { pskCarrier, REKEY } from '../helpers/ike-site.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { until } from '../helpers/until.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
const READABLE = 'ip and not ip proto 50 and not udp port 500 and not udp port 4500'.split(' ');

const STORIES = [
  { mode: 'transport', cipher: 'aes-gcm-256' },
  { mode: 'tunnel', cipher: 'aes-cbc-256-sha256' },
] as const;

describeKernels(['own'], 'the article between strongSwan and Libreswan', (guest) => {
  it.each(STORIES)(
    '$mode mode, $cipher, keys renewed while it runs',
    async ({ mode, cipher }) => {
      const net = await article(guest());
      try {
        const { hA, rA, w, rB, hB } = net;
        const charon = await Charon.start(rA);
        const carrier = await pskCarrier(net, 'a', { mode, cipher, rekey: REKEY });
        const external = `{ type: esp, mode: ${mode}, cipher: ${cipher}, keys: external }`;
        const engine = mode === 'tunnel' ? 'tunnel-flag' : 'nfqueue';
        const ends = await tunnelEnds(net, { carrier, engine }, { carrier: external, engine });
        const printed = await clearDf(rA, ['tunnel', 'ike', ends[0].file, '--libreswan', '--with-secret']);
        expect(printed, printed.stderr).toMatchObject({ exitCode: 0 });
        const pluto = await Pluto.start(rB, printed.stdout);
        const readable = await Capture.start(w, 'eth1', READABLE);

        expect(await ping(hA, HOST_B)).toMatchObject({ received: 0 });
        await upBoth(ends);
        expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
        expect(await ping(hB, HOST_A)).toMatchObject({ sent: 3, received: 3 });
        const rekeyed = /(inbound )?CHILD_SA clear-df-site-a\{(?!1\})\d+\} established/;
        await until('the keys are new', async () => (await charon.count(rekeyed)) > 0, 2 * REKEY * SECOND);
        expect(await datagrams(hA, hB, HOST_B, { count: 200 })).toMatchObject({ sent: 200, lost: 0, outOfOrder: 0 });
        const status = await clearDf(rA, ['tunnel', 'status', ends[0].file], 60 * SECOND);
        expect(status.stdout).toMatch(new RegExp(`ok +IKE: established with .* \\(${mode} mode\\) made`));
        await downBoth(ends);
        expect(await readable.stop(0)).toEqual([]);
        await pluto.stop();
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    1500 * SECOND,
  );
});
