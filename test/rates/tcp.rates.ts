/**
 * How fast TCP goes through each engine, side by side in one guest: `npm run lab -- --rates [--kernel 6.1]`. Figures,
 * not a test: nothing here is part of `npm test`. `test/helpers/article.ts` draws the network.
 *
 * Rounds go through the engines in turn, so that whatever slows the host down slows all of them down.
 */
import { expect, it } from 'vitest';
import { article, HOST_B } from '../helpers/article.js';
import { deliver } from '../helpers/delivery.js';
import { type SiteOptions, tunnelEnds, upBoth, downBoth } from '../helpers/tunnel.js';
import { compareVersions, type KernelSeries } from '../../scripts/lab/suites.js';
import { describeKernels } from '../lab/kernels.js';

const ROUNDS = Number(process.env['CLEAR_DF_LAB_ROUNDS'] ?? 3);
const BYTES = 40_000_000;

const ENGINES: { name: string; site: SiteOptions; before?: KernelSeries }[] = [
  { name: 'ignore-df', site: { engine: 'tunnel-flag' } },
  { name: 'queue, br-netfilter', site: { engine: 'nfqueue', hook: 'br-netfilter' } },
  // From 7.2 on the kernel loses every packet that is handed back to an nft bridge queue.
  { name: 'queue, nft-bridge', site: { engine: 'nfqueue', hook: 'nft-bridge' }, before: '7.2' },
];

interface Figures {
  rate: number[];
  retransmits: number[];
  reordered: number[];
}

const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

describeKernels(['every'], 'TCP through each engine', (guest, series) => {
  it('side by side', async () => {
    const net = await article(guest());
    const figures = new Map<string, Figures>();
    try {
      for (let round = 0; round < ROUNDS; round++) {
        for (const { name, site } of ENGINES.filter(
          ({ before }) => before === undefined || compareVersions(series, before) < 0,
        )) {
          const ends = await tunnelEnds(net, site);
          await upBoth(ends);
          const stream = await deliver(net.hA, net.hB, HOST_B, BYTES, 300_000);
          const one = figures.get(name) ?? { rate: [], retransmits: [], reordered: [] };
          figures.set(name, one);
          one.rate.push(stream.megabitsPerSecond);
          one.retransmits.push(stream.retransmits);
          one.reordered.push(stream.senderGrew('TcpExtTCPSACKReorder'));
          expect(stream.grew('TcpInCsumErrors')).toBe(0);
          await downBoth(ends);
        }
      }
    } finally {
      await net.lab[Symbol.asyncDispose]();
    }
    const base = figures.get('ignore-df');
    for (const [name, { rate, retransmits, reordered }] of figures) {
      const ratio = median(rate) / median(base?.rate ?? []);
      console.log(
        `rates ${series} ${name}: ${rate.map((r) => r.toFixed(0)).join(' ')} Mbit/s, ${(100 * ratio).toFixed(0)} % of ignore-df, ` +
          `retransmits ${retransmits.join(' ')}, SACK reorderings ${reordered.join(' ')}`,
      );
    }
  }, 1_800_000);
});
