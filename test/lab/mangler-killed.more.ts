/**
 * `clear-df tunnel up` whose mangler is killed: the next one goes on, and `down` leaves the router as it was. Killed at
 * every change: tunnel-interrupted.more.ts. `test/helpers/article.ts` draws the network.
 */
import { expect, it } from 'vitest';
import { article } from '../helpers/article.js';
import { clearDf, commandOf } from '../helpers/clear-df.js';
import { routerText } from '../helpers/router-text.js';
import { tunnelEnds } from '../helpers/tunnel.js';
import { describeKernels } from './kernels.js';

const SECOND = 1000;

describeKernels(['own'], 'a tunnel whose mangler is killed', (guest) => {
  it(
    'goes on after its mangler was killed, and takes the rules of that one away',
    async () => {
      await guest().modprobe('ip_gre');
      const net = await article(guest());
      try {
        const { rA } = net;
        const [{ file }] = await tunnelEnds(net, { engine: 'nfqueue' });
        const before = await routerText(rA);
        const [node, main] = commandOf(rA);
        const first = rA.spawn(node, [main, 'tunnel', 'up', file]);
        await first.says(/tunnel site-a is up/, 120 * SECOND);
        // While it lives, a second one is refused, and says which process it is.
        const second = await clearDf(rA, ['tunnel', 'up', file], 120 * SECOND);
        expect(second).toMatchObject({ exitCode: 5 });
        expect(second.stderr).toContain(`process ${first.pid}`);
        await first.stop('SIGKILL');

        const again = rA.spawn(node, [main, 'tunnel', 'up', file]);
        await again.says(/tunnel site-a is up/, 120 * SECOND);
        expect((await clearDf(rA, ['tunnel', 'status', file], 120 * SECOND)).exitCode).toBe(0);
        // down ends it: by TERM, so that it ends well.
        const down = await clearDf(rA, ['tunnel', 'down', file], 120 * SECOND);
        expect(down, down.stderr).toMatchObject({ exitCode: 0 });
        expect(await again.wait()).toMatchObject({ exitCode: 0 });
        expect(await routerText(rA)).toEqual(before);
        expect(await clearDf(rA, ['tunnel', 'down', file], 120 * SECOND)).toMatchObject({ exitCode: 0 });
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
      expect(await guest().kernelComplaints()).toEqual([]);
    },
    600 * SECOND,
  );
});
