/** What a trace puts into the firewall, and how it finds that again. */
import { describe, expect, it } from 'vitest';
import type { Flow } from '../../../src/trace/flow.js';
import { growths } from '../../../src/trace/growth.js';
import * as legacy from '../../../src/trace/legacy-marks.js';
import * as nft from '../../../src/trace/nft-marks.js';
import { tableOf, tagOf, tracerOfTable, tracerOfTag } from '../../../src/trace/tag.js';
import { queueOf } from '../../../src/trace/chain-visit.js';

const TRACER = { pid: 4711, started: 12345 };
const FLOW: Flow = { from: '10.32.0.50', to: '10.32.0.111', protocol: undefined, port: undefined };
const TUNNEL = { name: 'gretap1', local: '192.168.200.1', remote: '172.16.0.1', overhead: 38, pathMtu: 1500 };

/** The rules of one chain of one table. */
function chain(text: string, family: string, hook: string): string[] {
  const table = text.split(/^table /m).find((part) => part.startsWith(`${family} `)) ?? '';
  const body = table.split(/^ {2}chain /m).find((part) => part.startsWith(`${hook} `)) ?? '';
  return body
    .split('\n')
    .slice(2, -1)
    .map((line) => line.trim())
    .filter((line) => line.includes('comment'));
}

describe('names', () => {
  it('lead back to the process', () => {
    expect(tagOf(TRACER)).toBe('clear-df-trace:4711-12345');
    expect(tracerOfTag(tagOf(TRACER))).toEqual(TRACER);
    expect(tracerOfTable(tableOf(TRACER))).toEqual(TRACER);
  });

  it.each([
    'clear-df:site-a',
    'clear-df-trace:',
    'clear-df-trace:1',
    'clear-df-trace:1-2 flow',
    'x clear-df-trace:1-2',
  ])('are not read into %j', (comment) => {
    expect(tracerOfTag(comment)).toBeUndefined();
  });

  it.each(['clear_df_site-a', 'clear-df-trace', 'clear-df-trace-0-1', 'clear-df-trace-1-2-3'])(
    'nor into table %j',
    (name) => {
      expect(tracerOfTable(name)).toBeUndefined();
    },
  );
});

describe('the nft tables', () => {
  const text = nft.markText(TRACER, FLOW);

  it('hang at every hook of both families, in front of everything else', () => {
    for (const family of nft.MARKED_FAMILIES) {
      for (const hook of nft.HOOKS) {
        expect(text).toContain(`type filter hook ${hook} priority -310; policy accept;`);
        expect(chain(text, family, hook).at(-1)).toBe(
          'ip frag-off & 0x4000 != 0 continue comment "clear-df-trace:4711-12345 df"',
        );
      }
    }
  });

  it('mark the flow in both directions, and drop, queue or change nothing', () => {
    expect(chain(text, 'bridge', 'forward').slice(0, 2)).toEqual([
      'ip saddr 10.32.0.50 ip daddr 10.32.0.111 meta nftrace set 1 comment "clear-df-trace:4711-12345 flow"',
      'ip saddr 10.32.0.111 ip daddr 10.32.0.50 meta nftrace set 1 comment "clear-df-trace:4711-12345 flow"',
    ]);
    const statements = text.split('\n').filter((line) => line.includes('comment'));
    expect(statements.every((line) => /(meta nftrace set 1|continue) comment/.test(line))).toBe(true);
  });

  it('mark GRE by the addresses inside it, with and without a key', () => {
    // GRE 4 (8 with a key) + Ethernet 14 + 12 = byte 30 (34): bit 240 (272).
    const inner = chain(text, 'ip', 'output').filter((line) => line.includes(' outer"'));
    expect(inner.map((line) => /@th,0,16 \S+ @th,\d+,32 \S+ @th,\d+,32 \S+/.exec(line)?.[0])).toEqual([
      '@th,0,16 0x0000 @th,240,32 0x0a200032 @th,272,32 0x0a20006f',
      '@th,0,16 0x0000 @th,240,32 0x0a20006f @th,272,32 0x0a200032',
      '@th,0,16 0x2000 @th,272,32 0x0a200032 @th,304,32 0x0a20006f',
      '@th,0,16 0x2000 @th,272,32 0x0a20006f @th,304,32 0x0a200032',
    ]);
    expect(chain(text, 'ip', 'prerouting').some((line) => line.includes('ip protocol 50'))).toBe(true);
    expect(chain(text, 'bridge', 'prerouting').some((line) => line.includes(' outer"'))).toBe(false);
  });

  it('keep to a protocol and a port on either side', () => {
    const udp = nft.markText(TRACER, { ...FLOW, protocol: 'udp', port: 53 }, ['ip']);
    expect(udp).not.toContain('table bridge');
    const [first, second] = chain(udp, 'ip', 'forward');
    expect(first).toContain('ip saddr 10.32.0.50 ip daddr 10.32.0.111 ip protocol 17 udp sport 53 meta nftrace');
    expect(second).toContain('ip saddr 10.32.0.50 ip daddr 10.32.0.111 ip protocol 17 udp dport 53 meta nftrace');
  });

  it('tell by their rules what they saw', () => {
    const [first = ''] = chain(text, 'ip', 'output').filter((line) => line.includes(' outer"'));
    expect(nft.roleOf(first)).toBe('outer');
    expect(nft.roleOf('ip frag-off & 16384 != 0 continue comment "clear-df-trace:4711-12345 df"')).toBe('df');
    expect(nft.roleOf('ip saddr 10.0.0.1 accept comment "df"')).toBeUndefined();
  });

  it('go in one transaction', () => {
    expect(nft.unmarkText(TRACER, ['ip', 'bridge'])).toBe(
      'delete table ip clear-df-trace-4711-12345\ndelete table bridge clear-df-trace-4711-12345\n',
    );
  });
});

describe("iptables-legacy's TRACE rules", () => {
  const text = legacy.markText(TRACER, { ...FLOW, protocol: 'icmp' }, [TUNNEL]);

  it('stand first, in raw, for the flow and for GRE and ESP between the ends', () => {
    const lines = text.split('\n').filter((line) => line.startsWith('-I '));
    expect(lines.filter((line) => line.startsWith('-I PREROUTING ')).map((line) => line.split(' ')[2])).toEqual([
      ...['1', '2', '3', '4', '5', '6'],
    ]);
    expect(lines[0]).toBe(
      '-I PREROUTING 1 -s 10.32.0.50 -d 10.32.0.111 -p 1 -m comment --comment "clear-df-trace:4711-12345" -j TRACE',
    );
    expect(lines.filter((line) => line.includes('-s 192.168.200.1 -d 172.16.0.1 -p 50'))).toHaveLength(2);
    expect(text.startsWith('*raw\n')).toBe(true);
  });

  it('are found again in what iptables-save prints, and only those of the tracers that are gone', () => {
    const save = [
      '*raw',
      '-A PREROUTING -s 10.32.0.50/32 -d 10.32.0.111/32 -m comment --comment "clear-df-trace:4711-12345" -j TRACE',
      '-A PREROUTING -p gre -m comment --comment "clear-df-trace:815-1" -j TRACE',
      '-A PREROUTING -p gre -m comment --comment mine -j TRACE',
      'COMMIT',
      '*filter',
      '-A FORWARD -m comment --comment "clear-df-trace:4711-12345" -j ACCEPT',
      'COMMIT',
    ].join('\n');
    expect(legacy.unmarkText(save, ({ pid }) => pid === 4711)).toBe(
      [
        '*raw',
        '-D PREROUTING -s 10.32.0.50/32 -d 10.32.0.111/32 -m comment --comment "clear-df-trace:4711-12345" -j TRACE',
        'COMMIT',
        '',
      ].join('\n'),
    );
    expect(legacy.unmarkText(save, () => false)).toBeUndefined();
  });
});

describe('a rule that queues', () => {
  it.each([
    ['-A FORWARD -j NFQUEUE --queue-num 0 --queue-bypass', { numbers: '0', bypass: true }],
    ['-A FORWARD -j NFQUEUE --queue-balance 0:3', { numbers: '0:3', bypass: false }],
    ['oifname "gretap1" queue num 0 bypass comment "clear-df:x"', { numbers: '0', bypass: true }],
    ['oifname "gretap1" queue flags bypass to 4-7', { numbers: '4:7', bypass: true }],
    ['-A FORWARD -j NFQUEUE --queue-balance 0:3 --queue-bypass --queue-cpu-fanout', { numbers: '0:3', bypass: true }],
    ['-A FORWARD -j NFQUEUE --queue-balance 0:3 --queue-cpu-fanout', { numbers: '0:3', bypass: false }],
    ['oifname "gretap1" queue num 4-7 bypass,fanout comment "clear-df:x"', { numbers: '4:7', bypass: true }],
    ['oifname "gretap1" queue num 4-7 fanout comment "clear-df:x"', { numbers: '4:7', bypass: false }],
    ['oifname "gretap1" queue flags bypass,fanout to 4-7', { numbers: '4:7', bypass: true }],
    ['oifname "gretap1" queue flags fanout to 4-7', { numbers: '4:7', bypass: false }],
    ['oifname "gretap1" queue num 2', { numbers: '2', bypass: false }],
    ['-A FORWARD -j ACCEPT', undefined],
  ])('names its queue: %s', (text, expected) => {
    expect(queueOf(text)).toEqual(expected);
  });
});

describe('counters', () => {
  it('that grew are reported with their growth, also those that were not there before', () => {
    const before = new Map([
      ['gretap1 TX errors', 5],
      ['IpFragFails', 2],
    ]);
    const after = new Map([
      ['gretap1 TX errors', 8],
      ['IpFragFails', 2],
      ['queue 0 packets', 3],
    ]);
    expect(growths(before, after)).toEqual([
      { counter: 'gretap1 TX errors', by: 3 },
      { counter: 'queue 0 packets', by: 3 },
    ]);
  });
});
