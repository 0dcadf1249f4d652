import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { matrixText } from '../../scripts/lab/matrix-text.js';
import {
  type Cell,
  MATRIX_TEXT,
  merged,
  outcomeOf,
  readMatrix,
  type Seen,
  type Sight,
  GRETAP_WAYS,
} from '../../scripts/lab/matrix.js';
import { compareVersions } from '../../scripts/lab/suites.js';
import { CARRIERS } from '../helpers/matrix.js';

describe('docs/support-matrix', () => {
  const matrix = readMatrix();

  test('the page is made of the record', () => {
    expect(readFileSync(MATRIX_TEXT, 'utf8')).toBe(matrixText(matrix));
  });

  test('the record holds every carrier on every kernel ever seen, every method once, and nothing else', () => {
    const series = [...new Set(matrix.sights.map(({ kernel }) => kernel))].sort(compareVersions);
    expect(series.length).toBeGreaterThanOrEqual(4);
    const wanted = CARRIERS.flatMap(({ name, ways = GRETAP_WAYS }) =>
      series.map((kernel) => ({ pair: `${name} on ${kernel}`, ways })),
    );
    expect(matrix.sights.map(({ carrier, kernel }) => `${carrier} on ${kernel}`)).toEqual(
      wanted.map(({ pair }) => pair),
    );
    const cells = matrix.cells.map(({ carrier, kernel, way }) => `${carrier} on ${kernel}: ${way}`);
    const seen = new Set(cells);
    expect(cells).toEqual(
      // Engine bpf came later than some of what was seen.
      wanted
        .flatMap(({ pair, ways }) => ways.map((way) => `${pair}: ${way}`))
        .filter((cell) => !cell.endsWith(': bpf') || seen.has(cell)),
    );
  });

  test('outcomes follow from what was seen', () => {
    for (const { outcome, seen, refused } of matrix.cells) {
      expect(outcome).toBe(outcomeOf(seen));
      expect(seen === undefined).toBe(refused !== undefined);
    }
  });

  test('nothing and the article alone never work; what clear-df chooses with auto works everywhere', () => {
    // A kernel that lacks the carrier itself is no matter of ways.
    const lacking = ({ refused = '' }: Cell): boolean => refused.includes('carrier.type: kernel');
    const by = (...ways: Cell['way'][]): Set<string> =>
      new Set(matrix.cells.filter((cell) => ways.includes(cell.way) && !lacking(cell)).map(({ outcome }) => outcome));
    expect(by('nothing', 'article')).toEqual(new Set(['cannot']));
    expect(by('tunnel-flag', 'nfqueue br-netfilter', 'none')).toEqual(new Set(['works']));
  });
});

describe('a record', () => {
  const fine: Seen = {
    ping: 'whole',
    datagrams: 'whole',
    superPackets: 'whole',
    taggedSuperPackets: 'whole',
    tcp: 'whole',
    taggedTcp: 'whole',
    wan: 'sound',
  };
  const sight = (kernel: Sight['kernel'], carrier: string): Sight => ({
    kernel,
    carrier,
    release: `${kernel}.1-amd64`,
    date: '2025-01-01',
    version: '1.0.0',
  });
  const cell = (kernel: Sight['kernel'], carrier: string, more: Partial<Cell> = {}): Cell => ({
    carrier,
    way: 'bpf',
    kernel,
    outcome: 'works',
    seen: fine,
    ...more,
  });

  test.each<[string, Partial<Seen>, Cell['outcome']]>([
    ['all is well', {}, 'works'],
    ['a ping is lost', { ping: 'some lost' }, 'cannot'],
    ['datagrams are lost', { datagrams: 'lost' }, 'cannot'],
    ['GSO packets are lost', { superPackets: 'lost' }, 'limited'],
    ['tagged GSO packets are lost', { taggedSuperPackets: 'lost' }, 'limited'],
    ['TCP fails', { tcp: 'fails' }, 'limited'],
    ['tagged TCP is refused late', { taggedTcp: 'in small pieces' }, 'limited'],
    ['the WAN saw GRE in the clear', { wan: 'GRE in the clear' }, 'limited'],
  ])('where %s', (_what, seen, outcome) => {
    expect(outcomeOf({ ...fine, ...seen })).toBe(outcome);
  });

  test('a new sight replaces its own cells only, in the order of carriers and kernels', () => {
    const first = merged({ sights: [], cells: [], machines: [] }, sight('6.12', 'b'), [cell('6.12', 'b')], ['a', 'b']);
    const second = merged(first, sight('5.10', 'b'), [cell('5.10', 'b')], ['a', 'b']);
    const third = merged(second, sight('7.2', 'a'), [cell('7.2', 'a')], ['a', 'b']);
    const again = merged(third, sight('6.12', 'b'), [cell('6.12', 'b', { outcome: 'cannot' })], ['a', 'b']);
    expect(again.cells.map(({ carrier, kernel, outcome }) => [carrier, kernel, outcome])).toEqual([
      ['a', '7.2', 'works'],
      ['b', '5.10', 'works'],
      ['b', '6.12', 'cannot'],
    ]);
    expect(again.sights).toHaveLength(3);
    // A carrier that is no longer told of goes.
    expect(merged(again, sight('7.2', 'a'), [], ['a']).cells).toEqual([]);
  });

  test('as text: one row a method, one column a kernel, equal notes once', () => {
    const lost: Partial<Cell> = { outcome: 'limited', seen: { ...fine, superPackets: 'lost' } };
    const refused = cell('7.2', 'a', { outcome: 'cannot', refused: 'because' });
    delete refused.seen;
    const text = matrixText({
      machines: [{ machine: 'arm64, kernel 6.1', what: 'all', by: '`x.more.ts`', date: '2026-11-29' }],
      sights: [sight('5.10', 'a'), sight('6.1', 'a'), sight('7.2', 'a')],
      cells: [cell('5.10', 'a', lost), cell('6.1', 'a', lost), cell('6.12', 'a'), refused],
    });
    expect(text).toContain('| way | 5.10 | 6.1 | 6.12 | 7.2 |');
    expect(text).toContain('| `bpf` | limit (1) | limit (1) | yes | no (2) |');
    expect(text).toMatch(/\n1\. lost: UDP GSO packets; whole: .*\n2\. `tunnel up` refuses: because\n$/);
    expect(text).toContain('| 5.10 | 5.10.1-amd64 | 1.0.0 | 2025-01-01 |\n| 6.1 | 6.1.1-amd64 |');
    expect(text).toContain('| arm64, kernel 6.1 | all | `x.more.ts` | 2026-11-29 |');
  });
});
