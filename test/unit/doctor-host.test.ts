/** What the doctor runs and what it leaves alone, with a stand-in for the tools. */
import { existsSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { readAbilities } from '../../src/host/doctor/abilities.js';
import type { Kernel } from '../../src/host/read/modules.js';
import { readRulesets } from '../../src/host/doctor/rulesets.js';
import { nftVersion, readTools } from '../../src/host/doctor/tools.js';
import type { Runner } from '../../src/host/exec.js';

vi.mock('node:fs', async (original) => ({ ...(await original<object>()), existsSync: vi.fn() }));
vi.mock('../../src/host/read/rights.js', async (original) => ({
  ...(await original<object>()),
  netAdmin: () => 'yes',
}));

const LISTING = '{"nftables": [{"metainfo": {}}]}';
/** A rule that clears DF, as `nft -j` lists it. */
const WRITER = {
  nftJson: {
    known: JSON.stringify({
      nftables: [
        {
          rule: {
            ...{ family: 'ip', table: 't', chain: 'c', handle: 4 },
            expr: [
              {
                mangle: {
                  key: { payload: { protocol: 'ip', field: 'frag-off' } },
                  value: { '&': [{ payload: { protocol: 'ip', field: 'frag-off' } }, 49_151] },
                },
              },
            ],
          },
        },
      ],
    }),
  },
  nftText: { known: '' },
};
const XT = '{"nftables": [{"rule": {"expr": [{"xt": {"type": "target", "name": "NFQUEUE"}}]}}]}';

const kernel = (loaded: string[], loadable: string[]): Kernel => ({
  ...{ loaded: new Set(loaded), loadable: new Set(loadable), config: '' },
});

/** Tools by name, with what they print; others are not installed. */
function tools(printed: Record<string, string>): { runner: Runner; ran: string[] } {
  const ran: string[] = [];
  const query: Runner['query'] = async (command) => {
    ran.push(command);
    const text = printed[command];
    if (text !== undefined) return text;
    const parts = { operation: 'run', object: command, reason: 'it is not installed', errno: 'ENOENT' };
    throw new ClearDfError({ code: 'ENVIRONMENT', ...parts });
  };
  const change = () => Promise.reject(new Error('the doctor changes nothing'));
  return { runner: { dryRun: false, query, change, effect: change }, ran };
}

/** Whether ip_tables is there, in a kernel whose /proc is mounted. */
function legacyTables(there: boolean): void {
  vi.mocked(existsSync).mockImplementation((file) => file === '/proc/net/dev' || there);
}

describe('rules of tools that are not installed', () => {
  const nftAlone = kernel(['nf_tables'], []);
  it('are none where the kernel has no legacy tables and nft shows nothing of iptables-nft', async () => {
    legacyTables(false);
    const { saves, nftJson } = await readRulesets(tools({ nft: LISTING }).runner, nftAlone);
    expect(Object.fromEntries(saves)).toEqual({ 'iptables-legacy': { known: '' }, 'iptables-nft': { known: '' } });
    expect(nftJson).toEqual({ known: LISTING });
  });

  it('are unknown where there may be some', async () => {
    legacyTables(true);
    for (const printed of [{ nft: XT }, {}]) {
      const { saves } = await readRulesets(tools(printed).runner, nftAlone);
      expect([...saves.values()]).toEqual(
        ['iptables-legacy-save', 'iptables-nft-save'].map((tool) => ({ unknown: `${tool} is not installed` })),
      );
    }
  });

  it('are read where the tools are there', async () => {
    legacyTables(false);
    const printed = { nft: LISTING, 'iptables-legacy-save': 'one', 'iptables-nft-save': 'two' };
    const { saves } = await readRulesets(tools(printed).runner, nftAlone);
    expect([...saves.values()]).toEqual([{ known: 'one' }, { known: 'two' }]);
  });
});

describe('modules', () => {
  it('that nft would load are not asked for', async () => {
    legacyTables(false);
    const { runner, ran } = tools({});
    await readRulesets(runner, kernel([], ['nf_tables']));
    expect(ran).toEqual(['iptables-legacy-save']);
  });

  it.each([
    ['nf_tables', kernel([], ['nf_tables'])],
    ['nft_counter', kernel(['nf_tables'], ['nf_tables', 'nft_counter'])],
  ])('that trying a rule would load are not loaded: %s', async (module, machine) => {
    const { runner, ran } = tools({});
    const { nftClearsDf } = await readAbilities(runner, machine, WRITER);
    expect(nftClearsDf.answer).toBe('unknown');
    expect(nftClearsDf.evidence).toMatch(new RegExp(`^${module} is not loaded .* trying would load it$`));
    expect(ran).toEqual([]);
  });

  it('that are all there let a rule be tried', async () => {
    const { runner, ran } = tools({});
    const loaded = kernel(['nf_tables', 'nft_counter'], ['nf_tables', 'nft_counter']);
    const { nftClearsDf } = await readAbilities(runner, loaded, WRITER);
    expect(ran).toContain('ip');
    expect(nftClearsDf.evidence).toMatch(/no network namespace could be made/);
  });

  it('that are all there are left alone while no rule relies on them', async () => {
    const { runner, ran } = tools({});
    const loaded = kernel(['nf_tables', 'nft_counter'], ['nf_tables', 'nft_counter']);
    await readAbilities(runner, loaded, { ...WRITER, nftJson: { known: LISTING } });
    expect(ran).toEqual([]);
  });
});

describe('the versions of tools', () => {
  const HEAD =
    '{"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}}]}';

  it('has that of nft from its listing, in the words of nft --version', async () => {
    const { runner, ran } = tools({ ip: 'ip utility, iproute2-6.1.0', iptables: 'iptables v1.8.9 (nf_tables)' });
    const found = await readTools(runner, { nft: nftVersion({ known: HEAD }) });
    expect(ran).toEqual(['ip', 'iptables']);
    expect(found.get('nft')).toEqual({ state: 'present', version: 'nftables v1.0.6 (Lester Gooch #5)' });
  });

  it.each([
    ['does not say it', { known: LISTING }],
    ['could not be read', { unknown: 'Operation not permitted' }],
  ])('asks nft where its listing %s', async (_, nftJson) => {
    const { runner, ran } = tools({ ip: 'ip utility', iptables: 'iptables v1.8.9', nft: 'nftables v1.0.6' });
    const found = await readTools(runner, { nft: nftVersion(nftJson) });
    expect(ran).toEqual(['ip', 'iptables', 'nft']);
    expect(found.get('nft')).toEqual({ state: 'present', version: 'nftables v1.0.6' });
  });

  it('says what is missing', async () => {
    const { runner } = tools({ iptables: 'iptables v1.8.9' });
    expect((await readTools(runner)).get('ip')).toEqual({ state: 'missing', install: 'apt-get install iproute2' });
  });
});
