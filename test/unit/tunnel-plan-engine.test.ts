/** Which engine a plan has, why, and which rules its queue gets. */
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../src/tunnel/facts.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import type { Site } from '../../src/tunnel/site/site.js';
import { espCarrier, facts, site } from './tunnel-samples.js';

const can = (parts: Partial<Facts['can']>) => facts({ can: { ...facts().can, ...parts } });

describe('engine', () => {
  const auto: { name: string; machine: Facts; site?: Site; engine: string; words: string[] }[] = [
    { name: 'the flag first', machine: facts(), engine: 'tunnel-flag', words: ['knows ignore-df', 'no count'] },
    {
      name: 'the queue where there is no flag',
      machine: can({ ignoreDf: 'no' }),
      engine: 'nfqueue',
      words: ['iptables can queue', 'clear-df has to run', 'not tunnel-flag: this kernel does not know ignore-df'],
    },
    {
      name: 'the queue where the tunnel sets DF',
      machine: facts(),
      site: site({ tunnel: { pmtudisc: true } }),
      engine: 'nfqueue',
      words: ['refuses ignore-df together with tunnel.pmtudisc'],
    },
    {
      name: 'nft when nothing else is left',
      machine: can({ ignoreDf: 'no', bridgeQueue: 'no', nftBridgeQueue: 'no' }),
      engine: 'nft',
      words: ['found by trying', 'may repeat', 'not nfqueue: iptables cannot queue', 'loses every packet'],
    },
    {
      name: 'what is known before what is not',
      machine: can({ ignoreDf: 'unknown', bridgeQueue: 'unknown', nftBridgeQueue: 'no' }),
      engine: 'nft',
      words: ['not tunnel-flag: whether this kernel knows ignore-df could not be found out'],
    },
    {
      name: 'says so when nothing is known',
      machine: can({ ignoreDf: 'unknown', bridgeQueue: 'unknown', nftBridgeQueue: 'unknown', nftClearsDf: 'unknown' }),
      engine: 'tunnel-flag',
      words: ['could not be found out'],
    },
  ];
  for (const { name, machine, site: asked = site(), engine, words } of auto) {
    it(`auto: ${name}`, () => {
      const plan = planTunnel(asked, machine);
      expect(plan.engine).toBe(engine);
      for (const word of words) expect(plan.engineReason).toContain(word);
      expect(plan.mangler !== undefined).toBe(engine === 'nfqueue');
    });
  }

  it('says what an answer rests on', () => {
    const machine = facts({ evidence: { ignoreDf: 'a gretap took it' } });
    expect(planTunnel(site(), machine).engineReason).toContain('knows ignore-df (a gretap took it); ');
  });

  it.each([
    ['nft', { nftClearsDf: 'no' as const }, /stops it at the write/, 'use engine: nfqueue'],
    ['tunnel-flag', { ignoreDf: 'no' as const }, /does not know ignore-df/, 'use engine: nfqueue'],
    [
      'nfqueue',
      { bridgeQueue: 'no' as const, nftBridgeQueue: 'no' as const },
      /cannot queue.*loses every/,
      'install iptables',
    ],
  ] as const)('refuses %s where it is known not to work', (engine, parts, reason, hint) => {
    expect(() => planTunnel(site({ engine }), can(parts))).toThrowError(
      expect.objectContaining({
        code: 'ENVIRONMENT',
        object: `engine ${engine} (/etc/clear-df/site-a.yaml (engine))`,
        reason: expect.stringMatching(reason) as string,
        hint: expect.stringContaining(hint) as string,
      }) as Error,
    );
  });

  it('refuses auto where nothing works, with every reason', () => {
    const none = can({ ignoreDf: 'no', bridgeQueue: 'no', nftBridgeQueue: 'no', nftClearsDf: 'no' });
    expect(() => planTunnel(site(), none)).toThrowError(/tunnel-flag: .*nfqueue: .*nft: /);
  });
});

describe('rules of the queue', () => {
  const rules = (parts: Parameters<typeof site>[0], machine = facts()) =>
    planTunnel(site({ engine: 'nfqueue', ...parts }), machine).mangler!.rules.map(
      ({ hook, proto, outDev, local, remote }) => [hook, proto, outDev, local, remote].filter(Boolean).join(' '),
    );
  const ends = '192.168.200.1/32 172.16.0.1/32';

  it('inner hook alone, with br_netfilter', () => {
    expect(rules({})).toEqual(['bridge all gretap1']);
  });

  it('the outer hook too where the tunnel sets DF', () => {
    expect(rules({ tunnel: { pmtudisc: true } })).toEqual(['bridge all gretap1', `output gre ${ends}`]);
    const carrier = espCarrier({ keys: 'external' });
    expect(rules({ carrier, tunnel: { pmtudisc: true, match: 'esp' } })).toEqual([
      'bridge all gretap1',
      `output esp ${ends}`,
    ]);
  });

  it('the outer hook too with nft, once, for UDP GSO packets', () => {
    expect(rules({ hook: 'nft-bridge' })).toEqual(['bridge all gretap1', `output gre ${ends}`]);
    expect(rules({ hook: 'nft-bridge', tunnel: { pmtudisc: true } })).toHaveLength(2);
  });

  it('auto takes nft only where iptables cannot', () => {
    const plan = planTunnel(site({ engine: 'nfqueue' }), can({ bridgeQueue: 'no' }));
    expect(plan.mangler?.backend).toBe('nft');
    expect(plan.items.map(({ key }) => key)).not.toContain('module br_netfilter');
    expect(planTunnel(site({ engine: 'nfqueue' }), can({ bridgeQueue: 'unknown' })).mangler?.backend).toBe('iptables');
  });
});
