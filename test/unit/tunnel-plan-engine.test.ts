/** Which engine a plan has, why, and which rules its queue gets. */
import { describe, expect, it } from 'vitest';
import type { ClearDfError } from '../../src/errors.js';
import type { Facts } from '../../src/tunnel/facts.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import type { Site } from '../../src/tunnel/site/site.js';
import { espCarrier, facts, site } from './tunnel-samples.js';

const can = (parts: Partial<Facts['can']>) => facts({ can: { ...facts().can, ...parts } });

describe('engine', () => {
  const auto: { name: string; machine: Facts; site?: Site; engine: string; words: string[] }[] = [
    { name: 'the flag first', machine: facts(), engine: 'tunnel-flag', words: ['knows ignore-df', 'no count'] },
    {
      name: 'the program where there is no flag',
      machine: can({ ignoreDf: 'no' }),
      engine: 'bpf',
      words: ['takes the program', 'every packet is counted', 'not tunnel-flag: this kernel does not know ignore-df'],
    },
    {
      name: 'the queue where there is neither flag nor program',
      machine: can({ ignoreDf: 'no', fastPath: 'no' }),
      engine: 'nfqueue',
      words: ['iptables can queue', 'clear-df has to run', 'not bpf: this kernel does not take the program'],
    },
    {
      name: 'the queue where the tunnel sets DF',
      machine: facts(),
      site: site({ tunnel: { pmtudisc: true } }),
      engine: 'nfqueue',
      words: ['refuses ignore-df together with tunnel.pmtudisc', 'before any program sees it'],
    },
    {
      name: 'the flag, not a program with a queue behind that cannot be',
      machine: can({ ignoreDf: 'unknown', bridgeQueue: 'no', nftBridgeQueue: 'no' }),
      site: site({ queueGiven: true }),
      engine: 'tunnel-flag',
      words: ['could not be found out'],
    },
    {
      name: 'what is known before what is not',
      machine: can({ ignoreDf: 'unknown', bridgeQueue: 'unknown', nftBridgeQueue: 'no' }),
      engine: 'bpf',
      words: ['not tunnel-flag: whether this kernel knows ignore-df could not be found out'],
    },
    {
      name: 'says so when nothing is known',
      machine: can({ ignoreDf: 'unknown', bridgeQueue: 'unknown', nftBridgeQueue: 'unknown', fastPath: 'unknown' }),
      engine: 'tunnel-flag',
      words: ['could not be found out'],
    },
  ];
  it('auto: no queue of nft before a VXLAN, as where it is asked for', () => {
    const vxlan = site({ tunnel: { type: 'vxlan', name: 'vxlan1', vni: 1, port: 4789 } });
    const only = can({ fastPath: 'no', bridgeQueue: 'no' });
    expect(() => planTunnel(vxlan, only)).toThrow(/iptables cannot queue bridged frames here$/);
    expect(() => planTunnel({ ...vxlan, engine: 'nfqueue' }, only)).toThrow(/iptables cannot queue/);
    expect(planTunnel(site({ engine: 'nfqueue' }), only).mangler?.backend).toBe('nft');
    // And what is proposed instead is what it can have.
    const hint = (asked: Site) => {
      try {
        return String(planTunnel(asked, only).engine);
      } catch (error) {
        return (error as ClearDfError).hint;
      }
    };
    expect(hint({ ...vxlan, engine: 'bpf' })).toBe('use engine: nfqueue');
    expect(hint({ ...vxlan, engine: 'nfqueue' })).toMatch(/in the kernel; or engine: bpf$/);
    expect(hint({ ...vxlan, fragment: 'inner' })).toMatch(/in the kernel$/);
  });

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
    ['bpf', { fastPath: 'no' as const }, /does not take the program/, 'use engine: tunnel-flag'],
    ['tunnel-flag', { ignoreDf: 'no' as const }, /does not know ignore-df/, 'use engine: bpf'],
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
    const none = can({ ignoreDf: 'no', bridgeQueue: 'no', nftBridgeQueue: 'no', fastPath: 'no' });
    expect(() => planTunnel(site(), none)).toThrowError(/tunnel-flag: .*bpf: .*nfqueue: /);
  });
});

describe('a program', () => {
  const planned = (parts: Parameters<typeof site>[0]) => planTunnel(site({ engine: 'bpf', ...parts }), facts());
  const item = (parts: Parameters<typeof site>[0] = {}) =>
    planned(parts).items.find(({ kind }) => kind === 'fast-path')!;

  it('stands before the tunnel joins the bridge, and nothing has to run', () => {
    const plan = planned({});
    const keys = plan.items.map(({ key }) => key);
    expect(keys.indexOf('fast-path gretap1')).toBeLessThan(keys.indexOf('port gretap1'));
    expect(keys.indexOf('fast-path gretap1')).toBeGreaterThan(keys.indexOf('gretap gretap1'));
    expect(plan.mangler).toBeUndefined();
    expect(plan.notes.join()).toContain('queue: 0 in the file puts a queue behind the program');
  });

  it('has a queue behind it where the file names one, which is left only what the program leaves', () => {
    const { mangler, items } = planned({ queueGiven: true });
    expect(mangler?.rules).toEqual([expect.objectContaining({ hook: 'bridge', leftByFastPath: true })]);
    expect(items.map(({ key }) => key)).toContain('module br_netfilter');
  });

  it.each([
    [{ state: 'attached', identification: 'random' }, { state: 'in-sync' }],
    [{ state: 'attached' }, { state: 'in-sync' }],
    [
      { state: 'attached', identification: 'keep' },
      { state: 'differs', observed: 'its identification is keep' },
    ],
    [{ state: 'absent' }, { state: 'differs', observed: 'no program of this tunnel is attached' }],
    [undefined, { state: 'differs', observed: 'whether it is attached could not be read' }],
    [
      { state: 'conflict', observed: 'another is there', hint: 'look' },
      { state: 'conflict', observed: 'another is there', hint: 'look' },
    ],
  ] as const)('compared with %j', (fastPath, status) => {
    expect(item().status(facts({ fastPath }))).toEqual(status);
  });

  it('cannot help a tunnel that sets DF', () => {
    expect(() => planned({ tunnel: { pmtudisc: true } })).toThrowError(/before any program sees it/);
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
