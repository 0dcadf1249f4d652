import { describe, expect, it } from 'vitest';
import { ruleSpecFromFlags } from '../../src/cli/rule-flags.js';
import { ClearDfError } from '../../src/errors.js';
import { instanceOf } from '../../src/rules/instance.js';
import { resolveRules } from '../../src/rules/resolve.js';
import { parseRuleSpec } from '../../src/rules/spec.js';

const queues = { first: 0, last: 3 };

describe('defaults', () => {
  it('are the tunnel situation: GRE that this host originates', () => {
    expect(parseRuleSpec({ queues })).toEqual({
      name: 'default',
      hook: 'output',
      proto: 'gre',
      forwarded: false,
      includeQuic: false,
      fanout: 'hash',
      bypass: true,
      queues,
    });
  });

  it('of fanout may be said of one queue as well', () => {
    expect(ruleSpecFromFlags({ queue: '0', fanout: 'hash' }).fanout).toBe('hash');
    expect(ruleSpecFromFlags({ queue: '0:1', fanout: 'cpu' }).fanout).toBe('cpu');
  });

  it('of forwarded packets are prerouting, all protocols and the MTU', () => {
    expect(parseRuleSpec({ queues, forwarded: true, outDev: 'wan' })).toMatchObject({
      hook: 'prerouting',
      proto: 'all',
      largerThan: 'mtu',
    });
  });

  it.each([
    ['postrouting', 'gre'],
    ['bridge', 'all'],
  ] as const)('at %s match %s', (hook, proto) => {
    expect(parseRuleSpec({ queues, hook, outDev: 'gretap1' }).proto).toBe(proto);
  });
});

describe('refusals', () => {
  it.each<[Record<string, unknown>, string, string]>([
    [{ hook: 'input' }, '--hook', 'output, prerouting, postrouting, bridge'],
    [{ proto: 'tcp' }, '--proto', 'udp:PORT'],
    [{ proto: 'udp:0' }, '--proto', 'udp:PORT'],
    [{ proto: 'udp:65536' }, '--proto', 'udp:PORT'],
    [{ proto: 'udp:53,443' }, '--proto', 'udp:PORT'],
    [{ local: '::1' }, '--local', 'IPv4'],
    [{ remote: 'example.org' }, '--remote', 'IPv4'],
    [{ outDev: 'a-name-that-is-too-long' }, '--out-dev', 'at most 15'],
    [{ inDev: 'eth+' }, '--in-dev', 'without wildcards'],
    [{ name: 'a b' }, '--name', 'letters, digits'],
    [{ name: '-x' }, '--name', 'letters, digits'],
    [{ largerThan: 'big' }, '--larger-than', 'bytes, 68-65534, or mtu'],
    [{ largerThan: '67' }, '--larger-than', 'bytes, 68-65534, or mtu'],
    [{ largerThan: '65535' }, '--larger-than', 'bytes, 68-65534, or mtu'],
    [{ largerThan: 'mtu' }, '--larger-than', '--out-dev or a single --remote address'],
    [{ largerThan: 'mtu', remote: '10.0.0.0/8' }, '--larger-than', '--out-dev or a single --remote address'],
    [{ queue: '4:3' }, '--queue', 'N or N:M'],
    [{ queue: '65536' }, '--queue', 'N or N:M'],
    [{ queue: 'x' }, '--queue', 'N or N:M'],
    [{ queue: '0:256' }, '--queue', 'at most 256 queues'],
    [{ queue: '010' }, '--queue', 'without leading zeros'],
    [{ queue: undefined }, '--queue', 'it is missing; expected N or N:M'],
    [{ fanout: 'rss', queue: '0:3' }, '--fanout', 'hash or cpu'],
    [{ fanout: 'cpu' }, '--fanout', 'several queues'],
    [{ fanout: 'cpu', queue: '65535:65535' }, '--fanout', 'several queues'],
    [{ hook: 'prerouting' }, '--hook', '--forwarded'],
    [{ forwarded: true, hook: 'output' }, '--forwarded', '--hook prerouting'],
    [{ forwarded: true, hook: 'bridge', outDev: 'a', largerThan: '9' }, '--larger-than', 'bytes'],
    [{ forwarded: true, hook: 'postrouting', outDev: 'a' }, '--forwarded', '--hook prerouting'],
    [{ forwarded: true }, '--out-dev', 'it is missing; expected the device'],
    [{ forwarded: true, largerThan: 'mtu' }, '--larger-than', '--out-dev'],
    [{ forwarded: true, outDev: 'a', largerThan: '1400' }, '--out-dev', '--larger-than mtu'],
    [{ forwarded: true, outDev: 'a', proto: 'udp:443' }, '--proto', '--include-quic'],
    [{ includeQuic: true }, '--include-quic', '--forwarded'],
    [{ inDev: 'a' }, '--in-dev', '--hook output'],
    [{ inDev: 'a', hook: 'postrouting' }, '--in-dev', '--hook postrouting'],
    [{ hook: 'bridge' }, '--out-dev', 'it is missing; expected the bridge port'],
    [{ hook: 'bridge', outDev: 'gretap1', largerThan: 'mtu' }, '--larger-than', 'bytes at --hook bridge'],
  ])('%j names %s and what is accepted', (flags, option, accepted) => {
    let refusal: unknown;
    try {
      ruleSpecFromFlags({ queue: '0', ...flags });
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(ClearDfError);
    expect(refusal).toMatchObject({ code: 'USAGE', object: option });
    expect((refusal as ClearDfError).reason).toContain(accepted);
  });

  it('names a part that no rule has', () => {
    expect(() => parseRuleSpec({ queues, hok: 'output' })).toThrow(/'hok' is not accepted/);
  });

  it('shows a refused range as it was typed', () => {
    expect(() => ruleSpecFromFlags({ queue: '4:3' })).toThrow("'4:3' is not accepted");
  });
});

describe('resolving', () => {
  it('puts the MTU in the place of its name', () => {
    const spec = parseRuleSpec({ queues, outDev: 'wan', largerThan: 'mtu' });
    expect(resolveRules(spec, { mtu: 1400 })).toMatchObject([{ longerThan: 1400, outDev: 'wan' }]);
    expect(() => resolveRules(spec)).toThrow('the MTU is not known');
  });

  it('does not match the device whose MTU is meant at prerouting', () => {
    const [rule] = resolveRules(parseRuleSpec({ queues, forwarded: true, outDev: 'wan' }), { mtu: 1400 });
    expect(rule).toMatchObject({ longerThan: 1400, destinationNotLocal: true });
    expect(rule).not.toHaveProperty('outDev');
  });

  it('leaves QUIC out of forwarded packets, but not the later fragments of UDP, which have no ports', () => {
    const asked = { queues, forwarded: true, outDev: 'wan' };
    const kinds = (input: object): string[] =>
      resolveRules(parseRuleSpec(input), { mtu: 1400 }).map(({ protocol }) => protocol.kind);
    expect(kinds(asked)).toEqual(['not-udp', 'udp-other-port', 'udp-later-fragment']);
    expect(kinds({ ...asked, includeQuic: true })).toEqual(['any']);
    expect(kinds({ ...asked, proto: 'gre' })).toEqual(['gre']);
  });

  it('keeps transit packets out of postrouting unless --local names the source', () => {
    const postrouting = { queues, hook: 'postrouting' };
    expect(resolveRules(parseRuleSpec(postrouting))[0]).toMatchObject({ sourceLocal: true });
    expect(resolveRules(parseRuleSpec({ ...postrouting, local: '192.0.2.1' }))[0]).toMatchObject({
      sourceLocal: false,
      source: '192.0.2.1/32',
    });
  });

  it('spreads by CPU over several queues, and over one queue not at all', () => {
    const spec = parseRuleSpec({ queues, fanout: 'cpu' });
    expect(resolveRules(spec)[0]).toMatchObject({ fanout: 'cpu' });
    // A HUP that asks for more queues and cpu keeps the one queue that is bound.
    expect(resolveRules({ ...spec, queues: { first: 2, last: 2 } })[0]).toMatchObject({ fanout: 'hash' });
  });

  it('drops a prefix that covers everything', () => {
    expect(resolveRules(parseRuleSpec({ queues, remote: '0.0.0.0/0' }))[0]).not.toHaveProperty('destination');
  });
});

describe('the rules of an instance', () => {
  const rule = parseRuleSpec({ queues, name: 'a' });

  it('have its name and its queues', () => {
    const bridge = parseRuleSpec({ queues, name: 'a', hook: 'bridge', outDev: 'gretap1' });
    expect(instanceOf([rule, bridge])).toEqual({ name: 'a', queues });
  });

  it.each([
    ['no rules', []],
    ['another name', [rule, parseRuleSpec({ queues, name: 'b' })]],
    ['other queues', [rule, parseRuleSpec({ queues: { first: 0, last: 2 }, name: 'a' })]],
  ])('are none with %s: that is no mistake of a person', (_, rules) => {
    expect(() => instanceOf(rules)).toThrow(TypeError);
  });
});
