/** Which backend is chosen, and what is read from nft's listing, from made-up machines. */
import { describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { type Backend, type Candidate } from '../../src/host/firewall/backends.js';
import { bridgeQueueReturns, checkBridgeQueue } from '../../src/host/firewall/bridge.js';
import { chooseBackend, parseBackendChoice } from '../../src/host/firewall/choice.js';
import { advise, neverLocal } from '../../src/host/firewall/notes.js';
import { netAdminIn } from '../../src/host/read/rights.js';
import { foreignRules, isHollow, ownedTables, readRuleset, redirectsNatively } from '../../src/rules/ruleset.js';
import { parseRuleSpec } from '../../src/rules/spec.js';

function candidate(backend: Backend, more: Partial<Candidate> = {}): Candidate {
  return { backend, save: '', tables: [], error: undefined, usable: 'yes', reason: '', foreign: 0, ...more };
}

const machine = (more: Partial<Record<Backend, Partial<Candidate>>> = {}): Candidate[] =>
  (['iptables-legacy', 'iptables-nft', 'nft'] as const).map((backend) => candidate(backend, more[backend]));
const no = { usable: 'no', reason: 'broken' } as const;
const unknown = { usable: 'unknown', reason: 'cannot tell' } as const;
const owned = '*mangle\n-A OUTPUT -m comment --comment "clear-df:a" -j NFQUEUE --queue-num 0\nCOMMIT\n';

describe('auto takes', () => {
  it.each<[string, Candidate[], 'output' | 'bridge', Backend]>([
    ['nft on an empty machine that can', machine(), 'output', 'nft'],
    ['iptables at the bridge hook', machine(), 'bridge', 'iptables-nft'],
    ['iptables-nft without the queue expression', machine({ nft: no }), 'output', 'iptables-nft'],
    ['iptables-legacy when all else is broken', machine({ nft: no, 'iptables-nft': no }), 'output', 'iptables-legacy'],
    ['what others use', machine({ nft: no, 'iptables-legacy': { foreign: 1 } }), 'output', 'iptables-legacy'],
    [
      'nft with its own queue, whatever others use: no rule of theirs can stand behind',
      machine({ nft: { means: 'expression' }, 'iptables-legacy': { foreign: 1 } }),
      'output',
      'nft',
    ],
    ["iptables before nft by iptables' target", machine({ nft: { means: 'target' } }), 'output', 'iptables-nft'],
    ['what others use most', machine({ 'iptables-legacy': { foreign: 1 }, nft: { foreign: 2 } }), 'output', 'nft'],
    ['no broken one, even if others use it', machine({ nft: { ...no, foreign: 9 } }), 'output', 'iptables-nft'],
    ['no nft at the bridge hook, even if others use it', machine({ nft: { foreign: 9 } }), 'bridge', 'iptables-nft'],
    [
      'what holds its rules already',
      machine({ 'iptables-legacy': { save: owned }, nft: { foreign: 9 } }),
      'output',
      'iptables-legacy',
    ],
    [
      'an untried one before none',
      machine({ nft: no, 'iptables-nft': no, 'iptables-legacy': unknown }),
      'output',
      'iptables-legacy',
    ],
    [
      'of two untried ones the one whose rules can be read',
      machine({
        nft: no,
        'iptables-nft': { ...unknown, error: new ClearDfError({ code: 'PRIVILEGE', operation: 'read', reason: 'no' }) },
        'iptables-legacy': unknown,
      }),
      'output',
      'iptables-legacy',
    ],
    [
      'iptables-nft when nothing shows which one works',
      machine({ nft: unknown, 'iptables-nft': unknown, 'iptables-legacy': unknown }),
      'output',
      'iptables-nft',
    ],
  ])('%s', (_, candidates, hook, backend) => {
    const choice = chooseBackend(candidates, 'auto', [hook], 'a');
    expect(choice.candidate.backend).toBe(backend);
    expect(choice.reason).not.toBe('');
  });

  it('iptables for rules of several hooks when one is bridge, whichever comes first', () => {
    for (const hooks of [['output', 'bridge'] as const, ['bridge', 'output'] as const]) {
      expect(chooseBackend(machine(), 'auto', hooks, 'a').candidate.backend).toBe('iptables-nft');
      expect(chooseBackend(machine({ nft: { foreign: 9 } }), 'auto', hooks, 'a').candidate.backend).toBe(
        'iptables-nft',
      );
    }
    expect(chooseBackend(machine(), 'auto', ['output', 'postrouting'], 'a').candidate.backend).toBe('nft');
  });

  it('the preferred one where only another instance, or nft before a bridge, has rules, and says no more than that', () => {
    const reason = (candidates: Candidate[], hook: 'output' | 'bridge') =>
      chooseBackend(candidates, 'auto', [hook], 'b').reason;
    expect(reason(machine({ nft: no, 'iptables-nft': { save: owned } }), 'output')).toBe(
      'no usable backend holds rules of other programs; nft: broken',
    );
    expect(reason(machine({ nft: { foreign: 9 } }), 'bridge')).toBe(
      'no usable iptables holds rules of other programs; this is the preferred one',
    );
  });

  it('none when none works, with every reason', () => {
    const broken = machine({ nft: no, 'iptables-nft': no, 'iptables-legacy': no });
    expect(() => chooseBackend(broken, 'auto', ['output'], 'a')).toThrow('iptables-nft: broken; ');
  });
});

describe('a backend asked for', () => {
  it('is taken when it works or nothing shows whether it does, refused when it does not', () => {
    expect(chooseBackend(machine({ nft: unknown }), 'nft', ['output'], 'a').candidate.backend).toBe('nft');
    expect(() => chooseBackend(machine({ nft: no }), 'nft', ['output'], 'a')).toThrow('use --backend nft: broken');
  });

  it('is refused with those that work, or with what makes one work', () => {
    const hint = (candidates: Candidate[], choice: 'nft' | 'auto'): string | undefined => {
      try {
        chooseBackend(candidates, choice, ['output'], 'a');
      } catch (error) {
        return (error as ClearDfError).hint;
      }
      return 'it was not refused';
    };
    expect(hint(machine({ nft: no, 'iptables-legacy': no }), 'nft')).toBe('choose another: iptables-nft');
    const broken = machine({ nft: no, 'iptables-nft': no, 'iptables-legacy': no });
    for (const choice of ['nft', 'auto'] as const) expect(hint(broken, choice)).toMatch(/^modprobe -a .*xt_NFQUEUE/);
  });

  it('must be one there is', () => {
    expect(parseBackendChoice('auto')).toBe('auto');
    expect(() => parseBackendChoice('pf')).toThrow("--backend: 'pf' is not accepted; expected iptables-legacy");
  });
});

describe('the nft bridge queue', () => {
  it.each([
    ['4.19.0', 'unknown'],
    ['5.10.0-33-amd64', 'yes'],
    ['6.1.0', 'yes'],
    ['6.12.107', 'yes'],
    ['6.18.44', 'unknown'],
    ['7.2.13', 'no'],
    ['10.0', 'no'],
  ])('on kernel %s hands packets back: %s', (kernel, returns) => {
    expect(bridgeQueueReturns(kernel)).toBe(returns);
  });

  it('is refused, warned of or used accordingly', () => {
    expect(checkBridgeQueue('6.12.1')).toBeUndefined();
    expect(checkBridgeQueue('6.18.1')).toContain('has not been measured');
    expect(() => checkBridgeQueue('7.2.0')).toThrow('on kernel 7.2.0');
  });
});

/** A listing as nft 1.0.6 prints it, shortened. */
const LISTING = {
  nftables: [
    { metainfo: { version: '1.0.6', json_schema_version: 1 } },
    { table: { family: 'ip', name: 'mangle', handle: 1 } },
    { table: { family: 'ip', name: 'clear_df_a', handle: 2 } },
    { table: { family: 'bridge', name: 'clear_df_b-1', handle: 3 } },
    { table: { family: 'inet', name: 'people', handle: 4 } },
    { table: { family: 'inet', name: 'clear_df_a', handle: 5 } },
    {
      chain: {
        family: 'ip',
        table: 'mangle',
        name: 'OUTPUT',
        type: 'route',
        hook: 'output',
        prio: -150,
        policy: 'accept',
      },
    },
    { chain: { family: 'ip', table: 'clear_df_a', name: 'output', type: 'filter', hook: 'output', policy: 'accept' } },
    {
      rule: {
        family: 'ip',
        table: 'clear_df_a',
        chain: 'output',
        comment: 'clear-df:a',
        expr: [{ queue: { num: 0 } }],
      },
    },
    { rule: { family: 'bridge', table: 'clear_df_b-1', chain: 'forward', comment: 'mine', expr: [] } },
    { chain: { family: 'inet', table: 'people', name: 'pre', type: 'nat', hook: 'prerouting', policy: 'accept' } },
    { rule: { family: 'inet', table: 'people', chain: 'pre', expr: [{ accept: null }] } },
    { set: { family: 'inet', table: 'people', name: 's' } },
    { flowtable: { family: 'inet', table: 'people', name: 'f' } },
  ],
};

describe("nft's listing", () => {
  const tables = readRuleset(JSON.stringify(LISTING));

  it('shows which tables are ours, and strangers in them', () => {
    expect(ownedTables(tables).map(({ family, instance, strangers }) => [family, instance, strangers])).toEqual([
      ['ip', 'a', 0],
      ['bridge', 'b-1', 1],
    ]);
    expect(ownedTables(tables, 'a')).toHaveLength(1);
  });

  it('shows what others keep in native tables, and whether it redirects', () => {
    expect(foreignRules(tables)).toBe(1);
    expect(redirectsNatively(tables, new Set())).toBe(true);
    expect(
      redirectsNatively(
        tables.filter(({ name }) => name !== 'people'),
        new Set(),
      ),
    ).toBe(false);
  });

  it('shows a table that holds nothing', () => {
    const hollow = (name: string): boolean => isHollow(tables.find((table) => table.name === name)!);
    expect(hollow('mangle')).toBe(true);
    expect(hollow('clear_df_a')).toBe(false);
    expect(hollow('people')).toBe(false);
  });
});

describe('never local', () => {
  const forwarded = parseRuleSpec({ queues: { first: 0, last: 0 }, forwarded: true, outDev: 'wan' });
  const output = parseRuleSpec({ queues: { first: 0, last: 0 } });
  const nat = (target: string): Candidate[] =>
    machine({ 'iptables-nft': { save: `*nat\n-A PREROUTING -p tcp -j ${target}\nCOMMIT\n` } });

  it('is vouched for but where a later rule may redirect to this host', () => {
    expect(neverLocal([forwarded], machine())).toBe(true);
    expect(neverLocal([forwarded], nat('REDIRECT --to-ports 80'))).toBe(false);
    expect(neverLocal([forwarded], nat('DNAT --to-destination 127.0.0.1'))).toBe(false);
    expect(neverLocal([forwarded], nat('ACCEPT'))).toBe(true);
    expect(neverLocal([forwarded], machine({ nft: { tables: readRuleset(JSON.stringify(LISTING)) } }))).toBe(false);
    expect(neverLocal([output], nat('REDIRECT'))).toBe(true);
  });
});

describe('never local, of several rules', () => {
  const rules = [{}, { forwarded: true, outDev: 'wan' }].map((asked) =>
    parseRuleSpec({ queues: { first: 0, last: 0 }, ...asked }),
  );

  it('holds only when it holds for each', () => {
    const redirected = machine({ 'iptables-nft': { save: '*nat\n-A PREROUTING -j REDIRECT\nCOMMIT\n' } });
    for (const order of [rules, [...rules].reverse()]) {
      expect(neverLocal(order, machine())).toBe(true);
      expect(neverLocal(order, redirected)).toBe(false);
    }
  });
});

describe('notes on several rules', () => {
  const asked = [
    { hook: 'bridge', outDev: 'gretap1' },
    { hook: 'bridge', outDev: 'gretap2' },
    { forwarded: true, outDev: 'wan' },
  ];
  const rules = asked.map((each) => parseRuleSpec({ queues: { first: 0, last: 0 }, ...each }));

  it('are those of each, and each once', () => {
    const dropping = machine({ 'iptables-nft': { save: '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n' } });
    const notes = advise(rules, 'iptables-nft', dropping).map(({ text }) => text);
    expect(notes).toHaveLength(2);
    expect(notes[0]).toContain('FORWARD policy in iptables-nft is DROP');
    expect(notes[1]).toContain('other devices than wan');
    expect(advise(rules.slice(0, 2), 'nft', dropping)).toEqual([]);
  });
});

describe('CAP_NET_ADMIN', () => {
  it.each([
    ['000001ffffffffff', 'yes'],
    ['0000000000001000', 'yes'],
    ['000001ffffffefff', 'no'],
    ['0000000000000000', 'no'],
  ])('in %s: %s', (set, has) => {
    expect(netAdminIn(`Name:\tnode\nCapEff:\t${set}\nCapBnd:\t0\n`)).toBe(has);
  });

  it('is unknown without the line', () => {
    expect(netAdminIn('Name:\tnode\n')).toBe('unknown');
  });
});
