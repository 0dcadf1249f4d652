/** What keeps GRE from leaving unencrypted: policies behind all others, rules of the routing policy, a table of nft. */
import { describe, expect, it } from 'vitest';
import { parsePolicies } from '../../src/host/read/xfrm.js';
import type { Facts, XfrmPolicy } from '../../src/tunnel/facts.js';
import type { Flow } from '../../src/tunnel/flow.js';
import type { Item } from '../../src/tunnel/item.js';
import { greRuleItem } from '../../src/tunnel/items/rule.js';
import { xfrmGuardItem, xfrmPassItem } from '../../src/tunnel/items/xfrm-guard.js';
import { xfrmPolicyItem } from '../../src/tunnel/items/xfrm-policy.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import type { L2tpTunnel, VxlanTunnel } from '../../src/tunnel/site/site.js';
import { espCarrier, facts, GCM_KEYS, site, vtiCarrier } from './tunnel-samples.js';

const GRE: Flow = { name: 'GRE', protocol: 'gre' };
const ENDS = { local: '192.168.200.1', remote: '172.16.0.1', flow: GRE };
const FLOW = 'src 192.168.200.1/32 dst 172.16.0.1/32 proto gre';
/** `ip xfrm policy` of iproute2 6.1; older versions print keys dotted. */
const LISTED = [
  `${FLOW} key 0 dev vti1 \n\tdir out priority 4294967294 ptype main `,
  `${FLOW} key 0 \n\tdir out action block priority 4294967295 ptype main `,
  `${FLOW} key 0.1.17.112 \n\tdir out action block priority 4294967295 ptype main `,
  `${FLOW} \n\tdir out priority 0 ptype main \n\ttmpl src 0.0.0.0 dst 0.0.0.0\n\t\tproto esp reqid 1 mode transport`,
].join('\n');

const lines = (item: Item, what: 'undo' | 'apply', machine: Facts) =>
  item[what](machine).map(({ argv }) => argv.join(' '));

describe('a guard in xfrm', () => {
  const [pass, block, keyed, seal] = parsePolicies(LISTED) as [XfrmPolicy, XfrmPolicy, XfrmPolicy, XfrmPolicy];

  it('is read with its key and its device', () => {
    expect([pass, block, keyed, seal].map(({ greKey, dev, blocks }) => ({ greKey, dev, blocks }))).toEqual([
      { greKey: 0, dev: 'vti1', blocks: false },
      { greKey: 0, dev: undefined, blocks: true },
      { greKey: 70000, dev: undefined, blocks: true },
      { greKey: undefined, dev: undefined, blocks: false },
    ]);
  });

  it('has a selector of its own, and the last priority', () => {
    const selector = 'src 192.168.200.1 dst 172.16.0.1 proto gre key 0 dir out';
    const guard = xfrmGuardItem(ENDS);
    expect(lines(guard, 'apply', facts())).toEqual([`ip xfrm policy add ${selector} action block priority 4294967295`]);
    expect(lines(guard, 'undo', facts())).toEqual([`ip xfrm policy delete ${selector}`]);
  });

  it('is in sync by its own policy alone, and takes no other policy for its own', () => {
    const guard = xfrmGuardItem(ENDS);
    const policy = xfrmPolicyItem({
      ...{ direction: 'out', source: ENDS.local, destination: ENDS.remote, mode: 'transport', reqid: 1, reason: '' },
      selector: GRE,
    });
    const states = (policies: XfrmPolicy[]) => [guard, policy].map((item) => item.status(facts({ policies })).state);
    expect(states([pass, keyed])).toEqual(['differs', 'differs']);
    expect(states([pass, block, keyed])).toEqual(['in-sync', 'differs']);
    expect(states([seal])).toEqual(['differs', 'in-sync']);
    expect(states([{ ...block, blocks: false }])).toEqual(['conflict', 'differs']);
    expect(xfrmGuardItem({ ...ENDS, flow: { ...GRE, key: 70000 } }).status(facts({ policies: [keyed] }))).toEqual({
      state: 'in-sync',
    });
  });

  it.each([
    [{ name: 'L2TPv3', protocol: 'l2tp' }, 'proto 115', 'proto l2tp'],
    [
      { name: 'VXLAN', protocol: 'udp', ports: { local: 4789, remote: 4790 } },
      'proto udp sport 4789 dport 4790',
      'proto udp sport 4789 dport 4790',
    ],
  ] satisfies [Flow, string, string][])('of %o takes every mark, half by half', (flow, words, listed) => {
    const ends = `src 192.168.200.1 dst 172.16.0.1 ${words} dir out`;
    const guard = xfrmGuardItem({ ...ENDS, flow });
    const low = `ip xfrm policy add ${ends} mark 0x0 mask 0x80000000 action block priority 4294967295`;
    const high = `ip xfrm policy add ${ends} mark 0x80000000 mask 0x80000000 action block priority 4294967295`;
    // Not `delete … mark 0x0`: iproute2 leaves that mark out, and the kernel takes the plain policy (6.1).
    expect(lines(guard, 'undo', facts())).toEqual([
      `ip xfrm policy deleteall ${ends} action block priority 4294967295`,
    ]);
    // As iproute2 6.1 prints them on 6.1.
    const head = `src 192.168.200.1/32 dst 172.16.0.1/32 ${listed} \n\tdir out`;
    const halves = ['0', '0x80000000'].map(
      (mark) => `${head} action block priority 4294967295 ptype main \n\tmark ${mark}/0x80000000 `,
    );
    const plain = `${head} priority 0 ptype main \n\ttmpl src 0.0.0.0 dst 0.0.0.0\n\t\tproto esp reqid 1 mode transport`;
    const policy = xfrmPolicyItem({
      ...{ direction: 'out', source: ENDS.local, destination: ENDS.remote, mode: 'transport', reqid: 1, reason: '' },
      selector: flow,
    });
    const seen = (texts: string[]) => {
      const machine = facts({ policies: parsePolicies(texts.join('\n')) });
      return [guard.status(machine).state, policy.status(machine).state, ...lines(guard, 'apply', machine)];
    };
    expect(seen(halves)).toEqual(['in-sync', 'differs']);
    expect(seen(halves.slice(1))).toEqual(['differs', 'differs', low]);
    expect(seen([plain])).toEqual(['differs', 'in-sync', low, high]);
  });

  it('and a policy are a tunnel’s own, unless another one’s packets are the same', () => {
    const vxlan = (port: number) => ({ type: 'vxlan', name: 'vxlan1', vni: 1, port }) as const;
    const l2tp = (encapsulation: 'ip' | 'udp') =>
      ({
        ...({ type: 'l2tp', name: 'l2tp1', encapsulation, sublayer: 'default', cookie: undefined } as const),
        ...{ tunnelId: 7, peerTunnelId: 7, sessionId: 7, peerSessionId: 7, port: 1701, peerPort: 1701 },
      }) as const;
    const all = [{ key: undefined }, vxlan(4789), vxlan(4790), l2tp('ip'), l2tp('udp')].map((tunnel) =>
      planTunnel(site({ carrier: espCarrier(), tunnel }), facts(), GCM_KEYS)
        .items.map(({ key }) => key)
        .filter((key) => /^xfrm-(guard|policy)/.test(key)),
    );
    expect(all.map((keys) => keys.length)).toEqual([3, 3, 3, 3, 3]);
    expect(new Set(all.flat()).size).toBe(15);
  });

  it('does not keep a second tunnel with another key from the same two ends', () => {
    const keys = (key: number | undefined) =>
      planTunnel(site({ carrier: espCarrier(), tunnel: { key } }), facts(), GCM_KEYS).items.map((item) => item.key);
    const twice = keys(7).filter((key) => keys(undefined).includes(key) && key.startsWith('xfrm-guard'));
    expect(twice).toEqual([]);
  });

  it('lets GRE into the device as it is now, and forgets one that was', () => {
    const item = xfrmPassItem('vti1', ENDS);
    const remove =
      'ip xfrm policy deleteall src 192.168.200.1 dst 172.16.0.1 proto gre key 0 dir out action allow priority 4294967294';
    const add =
      'ip xfrm policy add src 192.168.200.1 dst 172.16.0.1 proto gre key 0 dev vti1 dir out action allow priority 4294967294';
    expect(item.status(facts({ policies: [pass, block] }))).toEqual({ state: 'in-sync' });
    expect(item.status(facts({ policies: [block] })).state).toBe('differs');
    expect(lines(item, 'apply', facts())).toEqual([add]);
    const gone = facts({ policies: [{ ...pass, dev: 'if12' }] });
    expect(item.status(gone)).toEqual({
      state: 'differs',
      observed: 'the policy is for if12, which is another device',
    });
    expect(lines(item, 'apply', gone)).toEqual([remove, add]);
    expect(lines(item, 'undo', gone)).toEqual([remove]);
  });

  it('comes to a VTI before the device is up', () => {
    const list = planTunnel(site({ carrier: vtiCarrier() }), facts(), GCM_KEYS).items.map(({ key }) => key);
    const at = (key: string) => list.findIndex((one) => one.startsWith(key));
    expect(at('xfrm-guard')).toBeLessThan(at('vti vti1'));
    expect(at('vti vti1')).toBeLessThan(at('xfrm-pass'));
    expect(at('xfrm-pass')).toBeLessThan(at('up vti1'));
  });
});

describe('the nft guard of a tunnel whose device asks for no address', () => {
  const rulesOf = (tunnel: L2tpTunnel | VxlanTunnel, moreRemotes?: string[]) => {
    const plan = planTunnel(site({ carrier: espCarrier(), tunnel, moreRemotes }), facts(), GCM_KEYS);
    const [table] = plan.items.filter(({ kind }) => kind === 'nft-table').flatMap((item) => item.apply(facts()));
    const lines = (table?.input ?? '').split('\n').filter((line) => line.includes('counter drop'));
    return lines.map((line) => line.trim().replace(/ counter drop.*/, '')).filter((line) => !line.includes('icmp'));
  };

  it('of a VXLAN takes what is for any address, also of a site that is none any more', () => {
    const one = rulesOf({ type: 'vxlan', name: 'vxlan1', vni: 9, port: 4789 }, ['172.16.0.9']);
    expect(one).toEqual([
      'udp dport 4789 @th,96,24 9 rt ipsec missing',
      'udp dport 4789 @th,96,24 9 meta ipsec missing',
    ]);
  });

  it('and its policies are for any source port of a VXLAN, which whoever makes them is told', () => {
    const tunnel = { type: 'vxlan', name: 'vxlan1', vni: 9, port: 4789 } as const;
    const { notes } = planTunnel(site({ carrier: espCarrier({ keys: 'external' }), tunnel }), facts());
    expect(notes.join(' ')).toContain(
      'must cover VXLAN (UDP from any port to 4789) between 192.168.200.1 and 172.16.0.1',
    );
  });

  it('of an L2TPv3 session takes what is for any address, in protocol 115 whatever it sends in', () => {
    const numbers = { tunnelId: 5, peerTunnelId: 5, sessionId: 7, peerSessionId: 8, port: 1701, peerPort: 1702 };
    const session = (encapsulation: 'ip' | 'udp') =>
      rulesOf({ type: 'l2tp', name: 'l2tp1', encapsulation, sublayer: 'default', cookie: undefined, ...numbers }).slice(
        1,
      );
    expect(session('ip')).toEqual(['meta l4proto 115 @th,0,32 7 meta ipsec missing']);
    expect(session('udp')).toEqual([
      'udp dport 1701 @th,96,32 7 meta ipsec missing',
      'meta l4proto 115 @th,0,32 7 meta ipsec missing',
    ]);
  });
});

describe('a guard in the routing policy', () => {
  const [local, remote] = ['10.97.0.1', '10.97.0.2'];
  const item = greRuleItem({ local, remote, route: { table: 'main', length: 24 } });
  const flow = `from ${local} to ${remote} ipproto gre`;
  const rule = (preference: number, words: string) => ({ family: 4 as const, preference, words: words.split(' ') });
  const NARROW = `${flow} lookup main suppress_prefixlength 23`;
  const right = [rule(32, NARROW), rule(33, `${flow} unreachable`)];

  it('is applied in an order in which no wider route is ever used', () => {
    expect(lines(item, 'apply', facts())).toEqual([
      `ip -4 rule add preference 33 ${flow} unreachable`,
      `ip -4 rule add preference 32 ${NARROW}`,
    ]);
    expect(lines(item, 'undo', facts())).toEqual([
      `ip -4 rule delete preference 32 ${flow}`,
      `ip -4 rule delete preference 33 ${flow}`,
    ]);
  });

  it('is in sync with both rules, and names the one that is missing', () => {
    const status = (rules: Facts['rules']) => item.status(facts({ rules }));
    expect(status(right)).toEqual({ state: 'in-sync' });
    expect(
      status(right.map((one) => ({ ...one, words: one.words.map((word) => (word === 'gre' ? '47' : word)) }))),
    ).toEqual({
      state: 'in-sync',
    });
    expect(status(right.slice(0, 1))).toEqual({ state: 'differs', observed: '33: there is no such rule' });
    expect(status(right.slice(1))).toEqual({ state: 'differs', observed: '32: there is no such rule' });
  });

  it('follows the VPN to a wider route of its own', () => {
    const wider = greRuleItem({ local, remote, route: { table: '77', length: 16 } });
    expect(wider.status(facts({ rules: right })).state).toBe('differs');
    expect(lines(wider, 'apply', facts({ rules: right }))).toEqual([
      `ip -4 rule delete preference 32 ${flow}`,
      `ip -4 rule add preference 32 ${flow} lookup 77 suppress_prefixlength 15`,
    ]);
  });

  it('asks the table of a default route alone', () => {
    const all = greRuleItem({ local, remote, route: { table: '51820', length: 0 } });
    expect(lines(all, 'apply', facts())).toEqual([
      `ip -4 rule add preference 33 ${flow} unreachable`,
      `ip -4 rule add preference 32 ${flow} lookup 51820`,
    ]);
  });

  it('is judged by its second rule while there is no route', () => {
    const away = greRuleItem({ local, remote, route: undefined });
    expect(away.status(facts({ rules: right.slice(1) }))).toEqual({ state: 'in-sync' });
    expect(away.status(facts({ rules: right.slice(0, 1) })).state).toBe('differs');
  });
});
