/** What `clear-df probe` hands to the addon, and what it makes of names: resolver and addon are stand-ins. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { probeCommand } from '../../src/cli/probe.js';
import type { NativeProbe, NativeProbeResult } from '../../src/native.js';
import { resolveHost, sendTo } from '../../src/commands/probe-send.js';

const QUESTION = { bytes: 64, dontFragment: true, fragmentBytes: 0, first: true };
const lookup = vi.hoisted(() => vi.fn());
const probe = vi.hoisted(() => vi.fn<(request: NativeProbe) => Promise<NativeProbeResult[]>>());

vi.mock('node:dns/promises', () => ({ lookup }));
vi.mock('../../src/native.js', () => ({ native: () => ({ probe }) }));

beforeEach(() => {
  lookup.mockReset();
  probe.mockReset().mockResolvedValue([]);
});

describe('a name', () => {
  it('leads to an address of one host', async () => {
    lookup.mockResolvedValue({ address: '192.0.2.7', family: 4 });
    expect(await resolveHost('a.test')).toBe('192.0.2.7');
    expect(lookup).toHaveBeenCalledWith('a.test', { family: 4 });
  });

  // 0.0.0.0 would be this host itself.
  it.each(['0.0.0.0', '224.0.0.1', '255.255.255.255'])('that leads to %s leads nowhere', async (address) => {
    lookup.mockResolvedValue({ address, family: 4 });
    await expect(resolveHost('blocked.test')).rejects.toMatchObject({
      ...{ code: 'ENVIRONMENT', object: 'blocked.test', errno: undefined },
      reason: expect.stringContaining(address) as string,
    });
  });

  it('that has no address says why', async () => {
    lookup.mockRejectedValue(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    await expect(resolveHost('a.test')).rejects.toMatchObject({ code: 'ENVIRONMENT', errno: 'ENOTFOUND' });
  });
});

describe('a timeout', () => {
  it('of any number of milliseconds is a whole number of them', async () => {
    for (let milliseconds = 10; milliseconds <= 60_000; milliseconds++) {
      const timeout = Number((milliseconds / 1000).toFixed(3));
      probe.mockClear();
      await sendTo('192.0.2.1', '192.0.2.1', { tries: 1, timeout })(QUESTION);
      const [request] = probe.mock.calls[0] ?? [];
      if (request?.timeout !== milliseconds) expect(request).toMatchObject({ timeout: milliseconds });
      if (request?.interval !== Math.min(100, milliseconds)) expect(request).toMatchObject({ interval: 'at most 100' });
    }
  });
});

describe('--from', () => {
  it.each(['0.0.0.0', '224.0.0.1', '255.255.255.255', '10.0.0.0/8', '10.1', 'localhost', '::1'])(
    'is not %s',
    async (address) => {
      const run = probeCommand().exitOverride().parseAsync(['--from', address, '192.0.2.1'], { from: 'user' });
      await expect(run).rejects.toMatchObject({ code: 'USAGE', object: '--from' });
      expect(probe).not.toHaveBeenCalled();
    },
  );
});
