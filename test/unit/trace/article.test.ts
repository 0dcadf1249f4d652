/** The article's trace of GRE inside ESP, from what nft and iptables-legacy printed on each kernel of the lab. */
import { describe, expect, it } from 'vitest';
import { judge } from '../../../src/trace/judge.js';
import { packetPathsOf } from '../../../src/trace/packet-paths.js';
import { traceText } from '../../../src/trace/text.js';
import { pathGroupsOf, type Row } from '../../../src/trace/path-groups.js';
import { FLOW, KERNELS, legacyVisits, nftVisits, rulebook } from './captured.js';

const TUNNEL = { name: 'gretap1', local: '192.168.200.1', remote: '172.16.0.1', overhead: 38, pathMtu: 1500 };

const placeOf = ({ table, chain, hook }: Row) => (table === undefined ? hook : `${table}:${chain}`);
const nobody = () => undefined;

describe.each(KERNELS)('a ping through GRE in ESP, kernel %s', (kernel) => {
  it('passes the hooks in the order of the article', () => {
    const paths = pathGroupsOf(packetPathsOf(FLOW, nftVisits(kernel), []));
    // The article's lines 1-5, then 6-10: OUTPUT twice, GRE then ESP; PREROUTING and INPUT twice, ESP then GRE.
    expect(paths.map(({ kind, head }) => [kind, head.protocol, head.length])).toEqual([
      ['flow', 'icmp', 84],
      ['outer', 'gre', 122],
      ['outer', 'esp', 156],
      ['outer', 'esp', 156],
      ['outer', 'gre', 122],
      ['flow', 'icmp', 84],
    ]);
    const [request, gre, esp, espBack, greBack, reply] = paths;
    expect(request?.rows.map(({ family, ...row }) => `${family} ${placeOf(row as Row)}`)).toEqual([
      ...['bridge prerouting', 'ip prerouting', 'bridge forward', 'ip mangle:FORWARD', 'ip filter:FORWARD'],
      ...['bridge postrouting', 'ip postrouting'],
    ]);
    for (const out of [gre, esp]) expect(out?.rows.map(placeOf)).toEqual(['output', 'postrouting']);
    for (const back of [espBack, greBack]) expect(back?.rows.map(placeOf)).toEqual(['prerouting', 'input']);
    expect(reply?.rows[0]).toMatchObject({ family: 'bridge', hook: 'prerouting', devices: { in: 'gretap1' } });
    // The hosts' and so the routers' requests have DF set, the replies have not.
    expect(request?.rows.map(({ dontFragment }) => dontFragment)).toEqual([
      ...[true, true, true, true, undefined, true, true],
    ]);
    expect(gre?.rows.every(({ dontFragment }) => dontFragment === true)).toBe(true);
    expect(greBack?.rows.every(({ dontFragment }) => dontFragment === false)).toBe(true);
    expect(request?.rows[3]?.devices).toEqual({ in: 'br0', out: 'br0', physicalIn: 'eth0', physicalOut: 'gretap1' });
  });

  it("is seen by clear-df's rule, as iptables-nft-save has it", () => {
    const paths = pathGroupsOf(packetPathsOf(FLOW, nftVisits(kernel), []));
    const row = paths[0]?.rows.find(({ verdict }) => verdict === 'queue');
    expect(row?.rule).toMatchObject({ number: 1, comment: 'clear-df:site-a', queue: { numbers: '0', bypass: true } });
    expect(row?.rule?.text).toContain('--queue-bypass');
    const { seen, dropped } = judge(FLOW, paths, [TUNNEL], [], (queue) =>
      queue === 0 ? 'clear-df (pid 7)' : undefined,
    );
    expect(seen).toEqual([
      '10.32.0.50 > 10.32.0.111 icmp, 84 bytes: at ip mangle:FORWARD, rule 1 (clear-df:site-a): queue 0, held by clear-df (pid 7)',
    ]);
    expect(dropped).toEqual([]);
  });

  it("passes iptables-legacy's tables likewise, logged with what was in them", () => {
    const visits = legacyVisits(kernel);
    // In front of the ping, 6.1 had an ARP frame in GRE in ESP, which is no part of the flow.
    const ping = visits.slice(-12);
    expect(ping.map(({ head, table, chain, verdict }) => `${head.protocol} ${table}:${chain} ${verdict}`)).toEqual([
      ...['icmp raw:PREROUTING accept', 'icmp filter:FORWARD accept'],
      ...['gre raw:OUTPUT accept', 'gre filter:OUTPUT accept', 'esp raw:OUTPUT accept', 'esp filter:OUTPUT accept'],
      ...[
        'esp raw:PREROUTING accept',
        'esp filter:INPUT accept',
        'gre raw:PREROUTING accept',
        'gre filter:INPUT accept',
      ],
      ...['icmp raw:PREROUTING accept', 'icmp filter:FORWARD accept'],
    ]);
    // Alone, as on a machine without nft, they are the article's table.
    const paths = pathGroupsOf(packetPathsOf(FLOW, [], visits));
    expect(paths.map(({ kind, head }) => `${kind} ${head.protocol}`)).toEqual([
      ...['flow icmp', 'outer gre', 'outer esp', 'outer esp', 'outer gre', 'flow icmp'],
    ]);
    expect(ping[2]?.head.inner).toEqual({ source: '10.32.0.50', destination: '10.32.0.111' });
    expect(Object.keys(ping[1]?.devices ?? {}).sort()).toEqual(['in', 'out', 'physicalIn', 'physicalOut']);
  });
});

describe('a frame that a rule or a device keeps', () => {
  it('is dropped by the rule that rejects it, with its number and chain', () => {
    const paths = pathGroupsOf(packetPathsOf(FLOW, nftVisits('6.1-rejected'), []));
    expect(paths).toHaveLength(1);
    expect(paths[0]?.rows.at(-1)).toMatchObject({
      table: 'filter',
      chain: 'FORWARD',
      verdict: 'drop',
      rule: { number: 2 },
    });
    const { dropped } = judge(FLOW, paths, [TUNNEL], [], nobody);
    expect(dropped).toEqual([
      '10.32.0.50 > 10.32.0.111 udp, 34 bytes: 1 at ip filter:FORWARD by rule 2: meta l4proto udp reject',
    ]);
  });

  it('is dropped inside the tunnel device when no GRE packet follows', () => {
    const visits = nftVisits('6.1').filter(({ head }) => head.protocol === 'icmp');
    const large = visits.map((visit) => ({ ...visit, head: { ...visit.head, length: 1500 } }));
    const paths = pathGroupsOf(packetPathsOf(FLOW, large, []));
    const grown = [{ counter: 'gretap1 TX errors', by: 1 }];
    const { dropped } = judge(FLOW, paths, [TUNNEL], grown, nobody);
    expect(dropped).toHaveLength(1);
    expect(dropped[0]).toMatch(/^1 of 1 frames of 1500 bytes .* inside gretap1; TX errors of gretap1 grew by 1: /);
    expect(dropped[0]).toContain('tnl_update_pmtu');
    expect(dropped[0]).toContain('1538 bytes and 1500 fit to 172.16.0.1');
    // Where more fits, DF is not why.
    const [why] = judge(FLOW, paths, [{ ...TUNNEL, pathMtu: 9000 }], grown, nobody).dropped;
    expect(why).not.toContain('tnl_update_pmtu');
  });

  it("is dropped by a policy of iptables-legacy's", () => {
    const paths = pathGroupsOf(packetPathsOf(FLOW, [], legacyVisits('6.1', rulebook('DROP'))));
    expect(paths[0]?.rows.at(-1)).toMatchObject({ table: 'filter', verdict: 'drop', rule: undefined });
    expect(judge(FLOW, paths, [], [], nobody).dropped).toContain(
      '10.32.0.50 > 10.32.0.111 icmp, 84 bytes: 1 at ip filter:FORWARD by the policy',
    );
  });
});

describe('both kinds of tables', () => {
  it('form one path, each table where its priority puts it', () => {
    // The second ping's packets, as if they were the first's: only the echo identifiers differ.
    const alike = (detail: string) => detail.replace(/id \d+/, 'id 1').replace(/seq \d+/, 'seq 1');
    const nft = nftVisits('6.1').map((visit) => ({
      ...visit,
      head: { ...visit.head, detail: alike(visit.head.detail) },
    }));
    const legacy = legacyVisits('6.1').map((visit) => ({
      ...visit,
      head: { ...visit.head, detail: alike(visit.head.detail) },
    }));
    const paths = pathGroupsOf(packetPathsOf(FLOW, nft, legacy));
    expect(paths).toHaveLength(6);
    expect(paths[0]?.rows.map((row) => `${row.source} ${row.family} ${placeOf(row)}`)).toEqual([
      ...['nft bridge prerouting', 'legacy ip raw:PREROUTING', 'nft bridge forward', 'nft ip mangle:FORWARD'],
      ...['nft ip filter:FORWARD', 'legacy ip filter:FORWARD', 'nft bridge postrouting', 'nft ip postrouting'],
    ]);
    expect(paths[2]?.rows.map(placeOf)).toEqual(['raw:OUTPUT', 'filter:OUTPUT', 'postrouting']);
  });

  it('are printed as a table', () => {
    const paths = pathGroupsOf(packetPathsOf(FLOW, nftVisits('6.1'), []));
    const judged = judge(FLOW, paths, [TUNNEL], [], nobody);
    const text = traceText({ flow: FLOW, packets: 2, paths, ...judged, grown: [], notes: [] });
    expect(text).toContain('flow 10.32.0.50 <-> 10.32.0.111: 2 packets\n');
    expect(text).toMatch(
      /^ {2}ip +mangle:FORWARD +rule 1 +queue 0 +br0\(eth0\) > br0\(gretap1\) +DF +<- seen here: clear-df:site-a$/m,
    );
    expect(text).toMatch(/^outer: 192\.168\.200\.1 > 172\.16\.0\.1 esp, 156 bytes {2}\(spi 0x1001 seq 3\)$/m);
    expect(text).toContain('no process has it bound: it goes on unchanged (bypass)');
  });
});
