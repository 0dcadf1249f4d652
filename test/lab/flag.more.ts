/**
 * Engine tunnel-flag, with both routers brought up at the same moment. `test/helpers/article.ts` draws the network.
 *
 * Both routers are namespaces of one kernel, so both `up` try whether a gretap takes ignore-df, load ip_gre for it and
 * take it out again, while the other one may have come to rely on it: one of two tunnels that start at boot.
 */
import { expect, it } from 'vitest';
import { article, HOST_A, HOST_B, ROUTER_A } from '../helpers/article.js';
import { Capture } from '../helpers/capture.js';
import { ping } from '../helpers/traffic.js';
import { downBoth, tunnelEnds, upBoth } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

describeKernels(['own'], 'two tunnels that start at once', (guest) => {
  it('come up both, by the tunnel flag, and carry full-size packets', async () => {
    const net = await article(guest());
    try {
      const { hA, hB, w } = net;
      const ends = await tunnelEnds(net, { engine: 'tunnel-flag' });
      await upBoth(ends);
      const capture = await Capture.start(w, 'eth1', ['ip[6:2] & 0x3fff != 0 and src host', ROUTER_A]);
      // Three requests and three replies leave each router: 6 datagrams of two fragments from router A.
      expect(await ping(hA, HOST_B)).toMatchObject({ sent: 3, received: 3 });
      expect(await ping(hB, HOST_A)).toMatchObject({ sent: 3, received: 3 });
      const fragments = await capture.stop(12);
      expect(fragments.some(({ dontFragment }) => dontFragment)).toBe(false);
      expect(fragments.map(({ length }) => length).filter((length) => length === 58)).toHaveLength(6);
      await downBoth(ends);
      expect(await guest().kernelComplaints()).toEqual([]);
    } finally {
      await net.lab[Symbol.asyncDispose]();
    }
  });
});
