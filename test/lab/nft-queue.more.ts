/**
 * `clear-df rules --backend nft`, on kernels that have the queue expression.
 *
 *   client eth0 ───────── eth0 router eth1 ───────── eth0 server      inside the guest
 *   10.0.0.2   MTU 1500  10.0.0.1   10.0.1.1  MTU 1400  10.0.1.2
 */
import { expect, it } from 'vitest';
import { Capture } from '../helpers/capture.js';
import { clearDf, startClearDf } from '../helpers/clear-df.js';
import { nstat, queue } from '../helpers/kernel.js';
import { forgetPathMtu, routed, SERVER } from '../helpers/topology.js';
import { ping } from '../helpers/traffic.js';
import { describeKernels } from './kernels.js';

describeKernels(['own'], 'nft rules that queue', (guest) => {
  it('are installed, feed the queue, and are removed without a trace', async () => {
    const { lab, client, router, server } = await routed(1400, guest());
    try {
      const ruleset = (): Promise<string> => router.exec('nft', ['list', 'ruleset']);
      // Somebody else's table, which must be there afterwards as it was.
      await router.feed('table ip people { chain c { type filter hook forward priority 0; accept; }; }\n', 'nft', [
        '-f',
        '-',
      ]);
      const before = await ruleset();
      expect(before).toContain('table ip people');
      // 1472 + 28 = 1500 bytes with DF do not fit 1400.
      expect(await ping(client, SERVER)).toMatchObject({ received: 0 });
      await forgetPathMtu(client);

      const args = ['--backend', 'nft', '--forwarded', '--out-dev', 'eth1', '--queue', '3'];
      const installed = await clearDf(router, ['rules', 'install', ...args]);
      expect(installed, installed.stderr).toMatchObject({ exitCode: 0 });
      expect(await ruleset()).toMatch(/queue flags bypass to 3|queue num 3 bypass/);
      const daemon = await startClearDf(router, '3');
      const capture = await Capture.start(server, 'eth0', ['icmp and src host 10.0.0.2']);
      const cut = await nstat(router);

      expect(await ping(client, SERVER)).toMatchObject({ sent: 3, received: 3 });

      // Each request of 1500 bytes is cut at 1396 (20 + a multiple of 8 ≤ 1380): 20 + 1376 and 20 + 104 bytes.
      const packets = await capture.stop(6);
      expect(packets.map(({ length }) => length)).toEqual([1396, 124, 1396, 124, 1396, 124]);
      expect(packets.every(({ dontFragment, headerChecksumGood }) => !dontFragment && headerChecksumGood)).toBe(true);
      expect(packets.map(({ moreFragments }) => moreFragments)).toEqual([true, false, true, false, true, false]);
      expect((await nstat(router))('IpFragCreates') - cut('IpFragCreates')).toBe(6);
      const { totals } = await daemon.settledStats();
      expect(totals).toMatchObject({ packets: 3 });
      expect((await queue(router, 3))?.sequence).toBe(3);

      await daemon.stop();
      const removed = await clearDf(router, ['rules', 'remove']);
      expect(removed, removed.stderr).toMatchObject({ exitCode: 0 });
      expect(await ruleset()).toBe(before);
      expect(await guest().kernelComplaints()).toEqual([]);
    } finally {
      await lab[Symbol.asyncDispose]();
    }
  });
});
