import { describe, expect, it } from 'vitest';
import type { Architecture } from '../../scripts/lab/architecture.js';
import { type Offer, offers } from '../../scripts/lab/fetch.js';
import { compareVersions, seriesOf, type Suite } from '../../scripts/lab/suites.js';

/** An archive that has these kernels, and answers everything else as apt does. */
function archive(has: Partial<Record<Suite, string>>): (suite: string, architecture: Architecture) => Promise<Offer> {
  return async (suite, architecture) => {
    const version = architecture === 'x64' ? has[suite as Suite] : has.oldstable;
    if (version === undefined) {
      throw new Error(`apt-get update failed, so packages of Debian are lacking:\nE: no Release file of ${suite}\n\n`);
    }
    const series = seriesOf(version);
    return { name: `${series} ${architecture}`, series, architecture, suite, codename: `${suite}'s`, version };
  };
}

const TODAY = { oldoldstable: '5.10.223-1', oldstable: '6.1.176-1', stable: '6.12.107-1', unstable: '7.2.13-1' };

describe("the kernels of Debian's archive", () => {
  it('are those of its suites, oldest first', async () => {
    const { kernels, missing } = await offers(archive(TODAY));
    expect(kernels.map(({ series }) => series)).toEqual(['5.10', '6.1', '6.12', '7.2']);
    expect(missing).toEqual([]);
  });

  it('are named after the kernel: a newer sid needs no change here, a suite that is gone is reported with its reason', async () => {
    const { oldoldstable: _gone, ...rest } = TODAY;
    const { kernels, missing } = await offers(archive({ ...rest, unstable: '7.3.1-1' }));
    expect(kernels.map(({ series }) => series)).toEqual(['6.1', '6.12', '7.3']);
    expect(missing).toHaveLength(1);
    expect(missing[0]).toMatchObject({
      suite: 'oldoldstable',
      why: expect.stringContaining('no Release file') as string,
    });
    expect(missing[0]?.why).not.toContain('\n');
  });

  it('may be none at all', async () => {
    const { kernels, missing } = await offers(archive({}));
    expect(kernels).toEqual([]);
    expect(missing.map(({ suite }) => suite)).toEqual(['oldoldstable', 'oldstable', 'stable', 'unstable']);
  });

  it('are one of each series, the newest: sid may have what stable has, just after a release', async () => {
    const { kernels, missing } = await offers(archive({ ...TODAY, stable: '7.2.9-1' }));
    expect(kernels.map(({ version }) => version)).toEqual(['5.10.223-1', '6.1.176-1', '7.2.13-1']);
    expect(missing).toEqual([]);
  });

  it('are none that clear-df does not support', async () => {
    const { kernels, missing } = await offers(archive({ ...TODAY, oldoldstable: '4.19.316-1' }));
    expect(kernels.map(({ series }) => series)).toEqual(['6.1', '6.12', '7.2']);
    expect(missing[0]?.why).toBe('its kernel 4.19.316-1 is older than 5.10, the oldest supported');
  });
});

describe('versions of kernels', () => {
  it('are compared by number, not by letter', () => {
    expect(['6.12', '5.10', '7.2', '6.1', '10.0'].sort(compareVersions)).toEqual([
      '5.10',
      '6.1',
      '6.12',
      '7.2',
      '10.0',
    ]);
    expect(compareVersions('6.12.107-1', '6.12.117-1')).toBeLessThan(0);
  });

  it('have a series, or are refused', () => {
    expect(seriesOf('6.12.107-1')).toBe('6.12');
    expect(() => seriesOf('')).toThrow("'' is no version of a kernel");
  });
});
