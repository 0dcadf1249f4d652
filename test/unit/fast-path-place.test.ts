import { describe, expect, it } from 'vitest';
import { fastPathTable } from '../../src/report/fast-path.js';
import { FAST_COUNTER_NAMES, FAST_RESULT_NAMES, fromFastBlock } from '../../src/fast-path/counters.js';
import { fastRuleOf } from '../../src/fast-path/place.js';
import { explain } from '../../src/fast-path/failure.js';
import { ruleLine } from '../../src/rules/iptables.js';
import { ruleLines } from '../../src/rules/nft.js';
import { resolveRules } from '../../src/rules/resolve.js';
import { parseRuleSpec, type RuleSpecInput } from '../../src/rules/spec.js';

const MTU = { bytes: 1400, device: 7 };
const rule = (input: Omit<RuleSpecInput, 'queues'>) => parseRuleSpec({ queues: { first: 0, last: 0 }, ...input });
const placed = (input: Omit<RuleSpecInput, 'queues'>) => fastRuleOf(rule(input), 'random', MTU);

describe('where the fast path does what a rule asks for', () => {
  it('bridged frames are cleared as they leave by the tunnel, by length only where one is asked for', () => {
    expect(placed({ hook: 'bridge', outDev: 'gretap1' })).toMatchObject({
      ...{ device: 'gretap1', direction: 'egress' },
      settings: { route: 'none', largerThan: 0, leaveQuic: false, leaveZero: false },
    });
    expect(placed({ hook: 'bridge', outDev: 'gretap1', largerThan: 1462 })).toMatchObject({
      settings: { largerThan: 1462 },
    });
  });

  it("forwarded packets are cleared as they come in, where the route's MTU or that of --out-dev is smaller", () => {
    expect(placed({ forwarded: true, inDev: 'lan0', outDev: 'wan0' })).toMatchObject({
      ...{ device: 'lan0', direction: 'ingress' },
      settings: { route: 'mtu', largerThan: 1400, outDevice: 7, leaveQuic: true, leaveZero: true },
    });
    expect(placed({ forwarded: true, inDev: 'lan0', largerThan: 576, includeQuic: true })).toMatchObject({
      settings: { route: 'forwarded', largerThan: 576, outDevice: 0, leaveQuic: false },
    });
  });

  it('addresses, protocol and port are those of the rule', () => {
    const asked = { forwarded: true, inDev: 'lan0', largerThan: 576, proto: 'udp:4500' as const };
    expect(placed({ ...asked, local: '10.0.0.0/8', remote: '192.0.2.1' })).toMatchObject({
      settings: {
        ...{ source: '10.0.0.0', sourceBits: 8, destination: '192.0.2.1', destinationBits: 32 },
        ...{ protocol: 17, port: 4500, leaveQuic: false },
      },
    });
  });

  it.each<[Omit<RuleSpecInput, 'queues'>, RegExp]>([
    [{ hook: 'output' }, /outer headers that this host makes are the queue's \(--hook output\)/],
    [{ hook: 'postrouting' }, /--hook postrouting/],
    [{ hook: 'bridge', outDev: 'p2', inDev: 'p1' }, /--in-dev at --hook bridge/],
    [{ hook: 'bridge', outDev: 'p2', proto: 'gre' }, /the queue stands before it, and takes it all/],
    [{ forwarded: true, outDev: 'wan0' }, /no --in-dev/],
  ])('of %j it says why the queue does it all', (input, why) => {
    expect(placed(input)).toMatch(why);
  });
});

it('beside it the rules at a bridge take TCP with DF and identification 0 alone', () => {
  const [resolved] = resolveRules({ ...rule({ hook: 'bridge', outDev: 'p2' }), leftByFastPath: true });
  expect(resolved && ruleLine(resolved)).toContain(
    '-p tcp -m physdev --physdev-out p2 --physdev-is-bridged -m u32 --u32 "0x4&0xffff4000=0x4000"',
  );
  expect(resolved && ruleLines(resolved)).toEqual([
    expect.stringContaining('oifname "p2" ip protocol 6 ip id 0 ip frag-off & 0x4000 != 0 counter queue num 0 bypass'),
  ]);
});

describe('counters', () => {
  const counters = fromFastBlock(BigUint64Array.from(FAST_COUNTER_NAMES.map((_, i) => BigInt(i + 1))));

  it('of packets are the sum of what became of them', () => {
    const last = FAST_RESULT_NAMES.length;
    expect(counters.packets).toBe((last * (last + 1)) / 2);
    expect(counters).toMatchObject({ cleared: 1, alreadyClear: 2, identifications: last + 3 });
  });

  it('that are 0 everywhere are left out of the table, but for the first three', () => {
    const zero = fromFastBlock(new BigUint64Array(FAST_COUNTER_NAMES.length));
    const [head, ...rows] = fastPathTable([{ device: 'p2', direction: 'egress', counters: zero }]);
    expect(head?.map(({ text }) => text)).toEqual(['fast path', 'egress of p2']);
    expect(rows.map(([label]) => label?.text)).toEqual(['  packets', '  DF cleared', '  DF already clear']);
    expect(fastPathTable([])).toEqual([]);
    const all = fastPathTable([{ device: 'p2', direction: 'egress', counters }]);
    expect(all).toHaveLength(FAST_COUNTER_NAMES.length + 2);
  });
});

describe('failures of the addon', () => {
  const failed = (operation: string, errno: number, detail = '') =>
    explain(Object.assign(new Error(operation), { operation, errno, detail }), 'p2 egress');

  it.each([
    ['BPF_PROG_LOAD', 1, 'PRIVILEGE', /CAP_BPF.*\(EPERM\)/],
    ['BPF_MAP_CREATE', 38, 'ENVIRONMENT', /no bpf\(2\) \(ENOSYS\)/],
    ['RTM_NEWTFILTER', 17, 'CONFLICT', /preference 52720.*\(EEXIST\)/],
    ['RTM_NEWTFILTER', 2, 'ENVIRONMENT', /no clsact qdisc, or no bpf classifier \(ENOENT\)/],
    ['BPF_PROG_LOAD', 12, 'RUNTIME', /no memory, or no file descriptor free \(ENOMEM\)/],
    ['BPF_MAP_CREATE', 24, 'RUNTIME', /no memory, or no file descriptor free \(EMFILE\)/],
    ['RTM_NEWTFILTER', 22, 'RUNTIME', /the kernel refused RTM_NEWTFILTER \(EINVAL\)/],
  ])('%s with errno %i is %s, in words', (operation, errno, code, words) => {
    expect(failed(operation, errno)).toMatchObject({ code, message: expect.stringMatching(words) as string });
  });

  it("the verifier's last words are reported; another failure stays what it is", () => {
    expect(failed('BPF_PROG_LOAD', 22, 'R1 invalid mem access\n')).toMatchObject({
      message: expect.stringContaining('does not take the program: R1 invalid mem access (EINVAL)') as string,
    });
    const other = new TypeError('x');
    expect(explain(other, 'p2')).toBe(other);
  });
});
