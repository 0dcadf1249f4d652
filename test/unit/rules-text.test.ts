/** Golden text: every hook in both languages. */
import { describe, expect, it } from 'vitest';
import * as iptables from '../../src/rules/iptables.js';
import * as nft from '../../src/rules/nft.js';
import { resolveRules } from '../../src/rules/resolve.js';
import { parseRuleSpec, type RuleSpecInput } from '../../src/rules/spec.js';

const one = { first: 0, last: 0 };
const four = { first: 4, last: 7 };
const DF = '-m u32 --u32 "0x4&0x4000=0x4000"';
const NOT_HERE = '-m addrtype ! --dst-type LOCAL';
const TO_ONE = '-m comment --comment "clear-df:default" -j NFQUEUE --queue-num 0 --queue-bypass';
const NFT_DF = 'ip frag-off & 0x4000 != 0';
const NFT_TO_ONE = 'counter queue num 0 bypass comment "clear-df:default"';

interface Golden {
  asked: Omit<RuleSpecInput, 'queues'> & { queues?: RuleSpecInput['queues'] };
  mtu?: number;
  iptables: string[];
  family?: nft.Family;
  chain: string;
  nft: string[];
}

const GOLDEN: Record<string, Golden> = {
  'output, the default': {
    asked: {},
    iptables: [`-A OUTPUT -p 47 ${DF} ${NOT_HERE} ${TO_ONE}`],
    chain: 'output',
    nft: [`ip protocol 47 ${NFT_DF} fib daddr type != local ${NFT_TO_ONE}`],
  },
  'output with everything it takes': {
    asked: {
      proto: 'esp',
      local: '192.0.2.1',
      remote: '198.51.100.77/24',
      outDev: 'wan0',
      largerThan: 'mtu',
      bypass: false,
      name: 'a-1',
      queues: four,
    },
    mtu: 1492,
    iptables: [
      `-A OUTPUT -s 192.0.2.1/32 -d 198.51.100.0/24 -o wan0 -p 50 ${DF} -m length ! --length 0:1492 ${NOT_HERE} ` +
        '-m comment --comment "clear-df:a-1" -j NFQUEUE --queue-balance 4:7',
    ],
    chain: 'output',
    nft: [
      `oifname "wan0" ip saddr 192.0.2.1/32 ip daddr 198.51.100.0/24 ip protocol 50 ${NFT_DF} meta length > 1492 ` +
        'fib daddr type != local counter queue num 4-7 comment "clear-df:a-1"',
    ],
  },
  'output, by CPU': {
    asked: { fanout: 'cpu', queues: four },
    iptables: [
      `-A OUTPUT -p 47 ${DF} ${NOT_HERE} -m comment --comment "clear-df:default" ` +
        '-j NFQUEUE --queue-balance 4:7 --queue-bypass --queue-cpu-fanout',
    ],
    chain: 'output',
    nft: [
      `ip protocol 47 ${NFT_DF} fib daddr type != local counter queue num 4-7 bypass,fanout comment "clear-df:default"`,
    ],
  },
  'output, by CPU and without bypass': {
    asked: { fanout: 'cpu', bypass: false, queues: four },
    iptables: [
      `-A OUTPUT -p 47 ${DF} ${NOT_HERE} -m comment --comment "clear-df:default" ` +
        '-j NFQUEUE --queue-balance 4:7 --queue-cpu-fanout',
    ],
    chain: 'output',
    nft: [`ip protocol 47 ${NFT_DF} fib daddr type != local counter queue num 4-7 fanout comment "clear-df:default"`],
  },
  'postrouting of one UDP port': {
    asked: { hook: 'postrouting', proto: 'udp:4500' },
    iptables: [
      `-A POSTROUTING -p udp -m multiport --ports 4500 ${DF} -m addrtype --src-type LOCAL ! --dst-type LOCAL ${TO_ONE}`,
    ],
    chain: 'postrouting',
    nft: [
      `ip protocol 17 udp sport 4500 ${NFT_DF} fib saddr type local fib daddr type != local ${NFT_TO_ONE}`,
      `ip protocol 17 udp sport != 4500 udp dport 4500 ${NFT_DF} fib saddr type local fib daddr type != local ${NFT_TO_ONE}`,
    ],
  },
  'prerouting of forwarded packets': {
    asked: { forwarded: true, inDev: 'lan', outDev: 'wan' },
    mtu: 1400,
    iptables: ['! -p udp', '-p udp -m multiport ! --ports 443', '-p udp -f'].map(
      (protocol) => `-A PREROUTING -i lan ${protocol} ${DF} -m length ! --length 0:1400 ${NOT_HERE} ${TO_ONE}`,
    ),
    chain: 'prerouting',
    nft: [
      `iifname "lan" ip protocol != 17 ${NFT_DF} meta length > 1400 fib daddr type != local ${NFT_TO_ONE}`,
      `iifname "lan" ip protocol 17 ip frag-off & 0x1fff != 0 ${NFT_DF} meta length > 1400 fib daddr type != local ${NFT_TO_ONE}`,
      'iifname "lan" ip protocol 17 udp sport 443 counter return comment "clear-df:default"',
      'iifname "lan" ip protocol 17 udp dport 443 counter return comment "clear-df:default"',
      `iifname "lan" ip protocol 17 ${NFT_DF} meta length > 1400 fib daddr type != local ${NFT_TO_ONE}`,
    ],
  },
  'bridge, towards the tunnel': {
    asked: { hook: 'bridge', inDev: 'eth0', outDev: 'gretap1', largerThan: 1462 },
    iptables: [
      `-A FORWARD -m physdev --physdev-in eth0 --physdev-out gretap1 --physdev-is-bridged ${DF} ` +
        `-m length ! --length 0:1462 ${TO_ONE}`,
    ],
    family: 'bridge',
    chain: 'forward',
    nft: [`iifname "eth0" oifname "gretap1" ${NFT_DF} meta length > 1462 ${NFT_TO_ONE}`],
  },
};

describe.each(Object.entries(GOLDEN))('%s', (_, golden) => {
  const spec = parseRuleSpec({ queues: one, ...golden.asked });
  const rules = resolveRules(spec, { mtu: golden.mtu });
  const family = golden.family ?? 'ip';

  it('in iptables', () => {
    expect(iptables.installText('', spec.name, rules)).toBe(`*mangle\n${golden.iptables.join('\n')}\nCOMMIT\n`);
  });

  it('in nft', () => {
    const table = `${family} clear_df_${spec.name}`;
    expect(nft.installText(spec.name, rules)).toBe(
      [
        `add table ${table}`,
        `delete table ${table}`,
        `table ${table} {`,
        ...(spec.hook === 'prerouting' ? nft.earlyText(spec.name, rules, 'expression')!.split('\n').slice(3, -2) : []),
        `  chain ${golden.chain} {`,
        `    type filter hook ${golden.chain} priority -150; policy accept;`,
        ...golden.nft.map((line) => `    ${line}`),
        '  }',
        '}',
        '',
      ].join('\n'),
    );
  });
});

describe('owned lines in iptables-save', () => {
  const mine = '-A OUTPUT -p gre -m comment --comment "clear-df:a" -j NFQUEUE --queue-num 0 --queue-bypass';
  const save = [
    '*filter',
    ':FORWARD ACCEPT [0:0]',
    '-A FORWARD -m comment --comment "clear-df:a" -j NFQUEUE --queue-num 9',
    'COMMIT',
    '*mangle',
    ':OUTPUT ACCEPT [0:0]',
    '-A OUTPUT -m comment --comment "he said \\"--comment clear-df:a\\"" -j NFQUEUE --queue-num 7',
    '-A OUTPUT -m comment --comment clear-df:a -j ACCEPT',
    '-A OUTPUT -m comment --comment "clear-df:a " -j NFQUEUE --queue-num 7',
    mine,
    '-A OUTPUT -m comment --comment "clear-df:ab" -j NFQUEUE --queue-num 7',
    mine,
    'COMMIT',
  ].join('\n');

  it('are those in mangle with exactly our comment and target', () => {
    expect(iptables.ownedRules(save, 'a').map(({ line }) => line)).toEqual([mine, mine]);
    expect(iptables.ownedRules(save).map(({ name }) => name)).toEqual(['a', 'ab', 'a']);
  });

  it('are all deleted, as printed, in one transaction', () => {
    const gone = mine.replace('-A', '-D');
    expect(iptables.removeText(save, 'a')).toBe(`*mangle\n${gone}\n${gone}\nCOMMIT\n`);
    expect(iptables.removeText(save, 'b')).toBeUndefined();
  });

  it('are replaced when they differ', () => {
    const rules = resolveRules(parseRuleSpec({ queues: one, name: 'a' }));
    const text = iptables.installText(save, 'a', rules);
    expect(text?.split('\n').map((line) => line.slice(0, 2))).toEqual(['*m', '-D', '-D', '-A', 'CO', '']);
  });

  it('are left alone when another iptables only spells them differently', () => {
    const rules = resolveRules(parseRuleSpec({ queues: one, remote: '192.0.2.1', largerThan: 1400 }));
    const other =
      '*mangle\n-A OUTPUT -d 192.0.2.1 -p gre -m length ! --length 0:1400 -m u32 --u32 4&16384=0x4000 ' +
      '-m addrtype ! --dst-type LOCAL -m comment --comment clear-df:default -j NFQUEUE --queue-num 0 --queue-bypass\nCOMMIT\n';
    expect(iptables.installText(other, 'default', rules)).toBeUndefined();
    expect(iptables.installText(other.replace('! --length', '--length'), 'default', rules)).toBeDefined();
    expect(iptables.installText(other.replace('16384', '8192'), 'default', rules)).toBeDefined();
    expect(iptables.installText(other.replace(' --queue-bypass', ''), 'default', rules)).toBeDefined();
  });
});

describe('the fanout over several queues', () => {
  const rulesBy = (fanout: 'hash' | 'cpu') => resolveRules(parseRuleSpec({ queues: four, fanout }));
  const saved = (line: string) => `*mangle\n${line}\nCOMMIT\n`;

  it('stays, in whatever order it is printed, and is replaced when the other one is asked for', () => {
    const byCpu = iptables.ruleLine(rulesBy('cpu')[0]!);
    const turned = byCpu.replace('--queue-bypass --queue-cpu-fanout', '--queue-cpu-fanout --queue-bypass');
    expect(turned).not.toBe(byCpu);
    for (const line of [byCpu, turned]) {
      expect(iptables.installText(saved(line), 'default', rulesBy('cpu'))).toBeUndefined();
      const other = iptables.ruleLine(rulesBy('hash')[0]!);
      const change = `*mangle\n${line.replace('-A', '-D')}\n${other}\nCOMMIT\n`;
      expect(iptables.installText(saved(line), 'default', rulesBy('hash'))).toBe(change);
    }
  });

  it.each([
    ['hash', true],
    ['hash', false],
    ['cpu', true],
    ['cpu', false],
  ] as const)('%s, bypass %s: without the queue nothing of its flags is left', (fanout, bypass) => {
    const [line = ''] = nft.ruleLines(resolveRules(parseRuleSpec({ queues: four, fanout, bypass }))[0]!);
    expect(nft.withoutQueue(line)).toBe(
      `ip protocol 47 ${NFT_DF} fib daddr type != local counter accept comment "clear-df:default"`,
    );
  });
});

describe('nft tables', () => {
  const bridged = { hook: 'bridge', outDev: 'gretap1' };
  const resolvedOf = (asked: object[]) =>
    asked.flatMap((each) => resolveRules(parseRuleSpec({ queues: one, ...each }), { mtu: 1400 }));

  it('of two families are made in one transaction, and so are several chains of one', () => {
    const rules = resolvedOf([bridged, { local: '192.0.2.1' }, { hook: 'postrouting' }]);
    const lines = nft.installText('default', rules).split('\n');
    expect(lines.filter((line) => /^(add|delete|table)/.test(line))).toEqual([
      'add table bridge clear_df_default',
      'delete table bridge clear_df_default',
      'table bridge clear_df_default {',
      'add table ip clear_df_default',
      'delete table ip clear_df_default',
      'table ip clear_df_default {',
    ]);
    expect(nft.listedRules(lines.join('\n')).map(({ chain, rule }) => [chain, rule.split(' ')[0]])).toEqual([
      ['forward', 'oifname'],
      ['output', 'ip'],
      ['postrouting', 'ip'],
    ]);
  });

  it('let an exception of one rule take nothing from another', () => {
    const forwarded = { forwarded: true, outDev: 'wan' };
    const exact = { ...forwarded, includeQuic: true, proto: 'udp:443' };
    const text = nft.installText('default', resolvedOf([forwarded, exact]));
    const kinds = nft
      .listedRules(text)
      .filter(({ chain }) => chain === 'prerouting')
      .map(({ rule }) => (rule.includes('counter return') ? 'return' : 'queue'));
    // Two of the exact rule, not-udp and later fragments; then source port 443, destination port 443, other UDP.
    expect(kinds).toEqual(['queue', 'queue', 'queue', 'queue', 'return', 'return', 'queue']);
  });

  it('take fragments of any length, and long UDP, before connections are looked at', () => {
    const rules = resolvedOf([{ forwarded: true, outDev: 'wan' }]);
    const target = nft.earlyText('default', rules, 'target') ?? '';
    expect(target).toContain('type filter hook prerouting priority -450; policy accept;');
    expect(target).not.toContain('meta length > ');
    expect(target).toContain('ip frag-off & 0x3fff == 0 meta length <= 1500 return');
    // nft has no words for the target: the chain is filled by netlink.
    expect(target).toContain('  chain to_queue {\n  }');
    expect(target).not.toContain('queue num');
    expect(nft.targets(rules)).toEqual([{ chain: 'to_queue', queues: one, bypass: true, fanout: 'hash' }]);
    expect(nft.earlyText('default', resolvedOf([bridged, {}]), 'target')).toBeUndefined();
  });

  it('of the other family go in the same transaction', () => {
    const rules = resolveRules(parseRuleSpec({ queues: one }));
    expect(nft.installText('default', rules, [{ family: 'bridge', chains: [] }]).split('\n')[0]).toBe(
      'delete table bridge clear_df_default',
    );
    expect(nft.removeText('default', ['ip', 'bridge'])).toBe(
      'delete table ip clear_df_default\ndelete table bridge clear_df_default\n',
    );
    expect(nft.removeText('default', [])).toBeUndefined();
  });
});
