/**
 * The support matrix, seen anew: carrier × way × kernel. `test/helpers/article.ts` draws the network; router B is up with
 * engine tunnel-flag, router A goes through all ways, hosts send from A to B.
 *
 * Fails when what it sees is not what `docs/support-matrix.json` says, and so `docs/support-matrix.md`. Of a kernel that
 * is not in there yet it asks what holds on every kernel: see `expectSane`. With CLEAR_DF_LAB_WRITE=1 (`npm run lab --
 * --story matrix --all --write`) it writes both instead; what was recorded of other kernels stays.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { type Cell, GRETAP_WAYS, merged, readMatrix, type Way } from '../../scripts/lab/matrix.js';
import { writeMatrix } from '../../scripts/lab/matrix-write.js';
import { article } from '../helpers/article.js';
import { CARRIERS, cellsOf } from '../helpers/matrix.js';
import { tagHosts } from '../helpers/matrix-sight.js';
import { PROJECT } from '../helpers/tools.js';
import { describeKernels } from './kernels.js';

const WRITE = process.env['CLEAR_DF_LAB_WRITE'] === '1';
const { version } = JSON.parse(readFileSync(path.join(PROJECT, 'package.json'), 'utf8')) as { version: string };
const NAMES = CARRIERS.map(({ name }) => name);

/** Nothing, and the article's rule alone, never work; what clear-df chooses by itself always does. */
function expectSane(cells: readonly Cell[]): void {
  const outcomes = (...ways: Way[]) => cells.filter(({ way }) => ways.includes(way)).map(({ outcome }) => outcome);
  expect(new Set([...outcomes('nothing', 'article'), 'cannot'])).toEqual(new Set(['cannot']));
  expect(new Set([...outcomes('tunnel-flag', 'nfqueue br-netfilter', 'none'), 'works'])).toEqual(new Set(['works']));
}

describeKernels(['newest'], 'the support matrix', (guest, series) => {
  // ip_gre before all else: it gives every namespace devices, which would look like changes of an `up` that refuses.
  beforeAll(async () => guest().modprobe('8021q', 'ip_gre', 'vrf'));

  it.each(CARRIERS)(
    'is as written: $name',
    async (carrier) => {
      const net = await article(guest());
      try {
        await tagHosts(net);
        const ways = carrier.ways ?? GRETAP_WAYS;
        const cells = await cellsOf(net, series, carrier, ways);
        expect(cells.map(({ way }) => way)).toEqual(ways);
        if (WRITE) {
          const date = new Date().toISOString().slice(0, 10);
          const sight = { kernel: series, carrier: carrier.name, release: guest().kernel.release, date, version };
          await writeMatrix(merged(readMatrix(), sight, cells, NAMES));
        }
        const known = readMatrix().cells.filter((cell) => cell.carrier === carrier.name && cell.kernel === series);
        if (known.length > 0) expect(cells).toEqual(known);
        else expectSane(cells);
        expect(await guest().kernelComplaints()).toEqual([]);
      } finally {
        await net.lab[Symbol.asyncDispose]();
      }
    },
    900_000,
  );
});
