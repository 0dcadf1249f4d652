/**
 * Two ends that do not come together, and what `up`, `status` and `doctor` say of it. `test/helpers/article.ts` draws
 * the network; no daemon mangles here.
 */
import { expect, it } from 'vitest';
import { article, ROUTER_B } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { clearDf } from '../helpers/clear-df.js';
import { Charon } from '../helpers/ike.js';
import { newSecret, pskCarrier } from '../helpers/ike-site.js';
import type { Done } from '../helpers/netns.js';
import { ping } from '../helpers/traffic.js';
import { tunnelEnds } from '../helpers/tunnel.js';
import { until } from '../helpers/until.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;
const READABLE = 'ip and not ip proto 50 and not udp port 500 and not udp port 4500'.split(' ');

describeKernels(['own'], 'IKE that is refused', (guest) => {
  it(
    'names a wrong pre-shared key in up, status and doctor, and comes through with the right one',
    async () => {
      const net = await article(guest());
      try {
        const { hA, rA, w, rB } = net;
        await Promise.all([Charon.start(rA), Charon.start(rB)]);
        const right = newSecret();
        const a = await pskCarrier(net, 'a', {}, right);
        const b = await pskCarrier(net, 'b', {}, newSecret());
        const ends = await tunnelEnds(net, { carrier: a, engine: 'bpf' }, { carrier: b, engine: 'bpf' });
        const [endA, endB] = ends;
        const on = (end: typeof endA, ...args: string[]): Promise<Done> => clearDf(end.at, args, 400 * SECOND);
        const readable = await Capture.start(w, 'eth1', READABLE);

        const [up, there] = (await Promise.all(ends.map((end) => on(end, 'tunnel', 'up', end.file)))) as [Done, Done];
        // That the other end does not come is no failure.
        expect(up, up.stderr).toMatchObject({ exitCode: 0 });
        expect(there, there.stderr).toMatchObject({ exitCode: 0 });
        expect(up.stderr).toContain(`no keys yet: ${ROUTER_B} refuses us: AUTHENTICATION_FAILED`);
        expect(up.stderr).toContain("the two ends' files of ike.psk differ");
        expect(await ping(hA, '10.32.0.111', { size: 100 })).toMatchObject({ received: 0 });

        const status = await on(endA, 'tunnel', 'status', endA.file);
        expect(status).toMatchObject({ exitCode: 1 });
        expect(status.stdout).toMatch(
          /DIFFERS +IKE: no keys.*: 172\.16\.0\.1 refuses us: AUTHENTICATION_FAILED \(\d+ s ago\)/,
        );
        expect(status.stdout).toContain("the two ends' files of ike.psk differ");
        const doctor = await on(endA, 'doctor', endA.file);
        expect(doctor.stdout).toMatch(/keys from IKE with 172\.16\.0\.1.*AUTHENTICATION_FAILED/);
        // No secret is told anywhere.
        for (const { stdout, stderr } of [up, status, doctor]) {
          expect(`${stdout}${stderr}`).not.toContain(right);
          expect(`${stdout}${stderr}`).not.toContain(Buffer.from(right).toString('hex'));
        }

        await pskCarrier(net, 'b', {}, right);
        // On a busy machine charon's answer comes later than up waits for it.
        await until('there are keys', async () => {
          const again = await on(endB, 'tunnel', 'up', endB.file);
          expect(again, again.stderr).toMatchObject({ exitCode: 0 });
          return /IKE: established with 192\.168\.200\.1/.test(again.stderr);
        });
        const well = await on(endA, 'tunnel', 'status', endA.file);
        expect(well, well.stdout).toMatchObject({ exitCode: 0 });
        expect(await ping(hA, '10.32.0.111')).toMatchObject({ received: 3 });
        for (const end of ends) expect(await on(end, 'tunnel', 'down', end.file)).toMatchObject({ exitCode: 0 });
        expect(await readable.stop(0)).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    1500 * SECOND,
  );
});
