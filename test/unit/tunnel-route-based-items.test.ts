/** Items of carriers with a device of their own: what is so, what makes it so, and what puts back what was there. */
import { describe, expect, it } from 'vitest';
import type { Facts, TableRoute } from '../../src/tunnel/facts.js';
import type { Command } from '../../src/tunnel/item.js';
import { policyRuleItem } from '../../src/tunnel/items/rule.js';
import { deviceRouteItem } from '../../src/tunnel/items/route.js';
import { tunnelModuleItem } from '../../src/tunnel/items/module.js';
import { vtiDeviceItem, xfrmDeviceItem } from '../../src/tunnel/items/tunnel-device.js';
import { xfrmPolicyItem } from '../../src/tunnel/items/xfrm-policy.js';
import { facts, link } from './tunnel-samples.js';

const reason = 'because';
const lines = (commands: Command[]) => commands.map(({ argv }) => argv.join(' '));
const ends = { local: '192.168.200.1', remote: '172.16.0.1' };

describe('devices', () => {
  it('vti: needs its key in both directions', () => {
    const item = vtiDeviceItem('vti1', { ...ends, key: 0xcdf, reason });
    const on = (data: object, kind = 'vti') =>
      item.status(facts({ links: [link('vti1', { kind, data: { ...ends, ...data } })] }));
    expect(item.status(facts()).state).toBe('differs');
    expect(on({ ikey: '0.0.12.223', okey: '0.0.12.223' })).toEqual({ state: 'in-sync' });
    expect(on({ okey: '0.0.12.223' })).toMatchObject({
      state: 'conflict',
      observed: expect.stringContaining('none and 0xcdf') as string,
    });
    expect(on({ ikey: '0.0.12.223', okey: '0.0.12.223', remote: '10.0.0.1' }).state).toBe('conflict');
    expect(on({}, 'veth')).toMatchObject({ state: 'conflict', observed: 'vti1 is a veth device' });
    expect(lines(item.apply(facts()))).toEqual([
      'ip link add name vti1 type vti local 192.168.200.1 remote 172.16.0.1 key 3295',
    ]);
    expect(lines(item.undo(facts()))).toEqual(['ip link delete dev vti1 type vti']);
    expect(item.undo(facts({ links: [link('vti1', { kind: 'vti' })] }))).toEqual([]);
  });

  it('xfrm: is known by its if_id', () => {
    const item = xfrmDeviceItem('ipsec0', { underlay: 'eth1', ifId: 0xcdf, reason });
    const on = (data: object, kind = 'xfrm') =>
      item.status(facts({ links: [link('ipsec0', { kind, data: { ...data } })] }));
    expect(item.status(facts()).state).toBe('differs');
    expect(on({ if_id: '0xcdf' })).toEqual({ state: 'in-sync' });
    expect(on({ if_id: '0x7' })).toMatchObject({ state: 'conflict', observed: 'the if_id of ipsec0 is 0x7' });
    expect(on({ external: true })).toMatchObject({
      state: 'conflict',
      observed: expect.stringContaining('external') as string,
    });
    expect(on({}, 'vti').state).toBe('conflict');
    expect(lines(item.apply(facts()))).toEqual(['ip link add name ipsec0 type xfrm dev eth1 if_id 0xcdf']);
    expect(lines(item.undo(facts()))).toEqual(['ip link delete dev ipsec0 type xfrm']);
    expect(item.undo(facts({ links: [link('ipsec0', { kind: 'xfrm' })] }))).toEqual([]);
  });

  it('a module of tunnels leaves the parameter as it found it', () => {
    const item = tunnelModuleItem('ip_vti', 'VTI devices');
    const parameter = 'net/core/fb_tunnels_only_for_init_net';
    const commands = lines(item.apply(facts({ sysctls: new Map([[parameter, '0']]) })));
    expect(commands).toEqual([`sysctl -w ${parameter}=2`, 'modprobe ip_vti', `sysctl -w ${parameter}=0`]);
    expect(lines(item.apply(facts()))).toEqual(['modprobe ip_vti']);
    expect(item.status(facts({ modules: new Set(['ip_vti']) }))).toEqual({ state: 'in-sync' });
  });
});

describe('the route into the device', () => {
  const mark = { value: 0xcdf, mask: 0xfff };
  const item = policyRuleItem({ preference: 3295, unless: mark, table: 3295, host: ends.remote, dev: 'vti1', reason });
  const rules: Facts['rules'] = [
    { family: 4, preference: 3295, words: 'not from all fwmark 0xcdf/0xfff lookup 3295'.split(' ') },
  ];
  const by = (dev: string) => ({ dev, mtu: 1446, source: undefined, via: undefined });

  it('rule: is in sync when it is there and has the effect', () => {
    expect(item.status(facts({ rules, path: by('vti1') }))).toEqual({ state: 'in-sync' });
    expect(item.status(facts({ path: by('vti1') })).state).toBe('differs');
    expect(item.status(facts({ rules, path: by('eth1') }))).toMatchObject({
      observed: expect.stringContaining('the rule is there, but the route uses eth1') as string,
    });
    expect(item.status(facts({ rules, path: undefined }))).toMatchObject({
      observed: expect.stringContaining('there is no route') as string,
    });
    expect(item.status(facts({ rules: [{ ...rules[0]!, family: 6 }], path: by('vti1') })).state).toBe('differs');
    expect(lines(item.apply(facts()))).toEqual(['ip -4 rule add preference 3295 not fwmark 0xcdf/0xfff lookup 3295']);
    expect(item.apply(facts({ rules, path: by('eth1') }))).toEqual([]);
    expect(lines(item.undo(facts()))).toEqual(['ip -4 rule delete preference 3295 not fwmark 0xcdf/0xfff lookup 3295']);
  });

  it('rule: a full mask is not printed', () => {
    const full = policyRuleItem({
      ...{ preference: 7, unless: { value: 7, mask: 0xffff_ffff }, table: 7, host: ends.remote, dev: 'vti1', reason },
    });
    const words = 'not from all fwmark 0x7 lookup 7'.split(' ');
    expect(full.status(facts({ rules: [{ family: 4, preference: 7, words }], path: by('vti1') }))).toEqual({
      state: 'in-sync',
    });
  });

  it('routes: one by the device, and one that leads nowhere should it go', () => {
    const led = deviceRouteItem(ends.remote, { dev: 'vti1', source: ends.local }, { table: 3295, reason });
    const shut = deviceRouteItem(ends.remote, 'unreachable', { table: 3295, metric: 9, reason });
    const one = (parts: Partial<TableRoute>): TableRoute => ({
      ...{ family: 4, table: '3295', destination: ends.remote, via: undefined, dev: 'vti1', words: [], ...parts },
    });
    expect(led.status(facts({ tableRoutes: [one({})] }))).toEqual({ state: 'in-sync' });
    expect(led.status(facts({ tableRoutes: [one({ dev: '', type: 'unreachable' })] })).state).toBe('differs');
    expect(led.status(facts({ tableRoutes: [one({ table: '7' })] })).state).toBe('differs');
    expect(shut.status(facts({ tableRoutes: [one({ dev: '', type: 'unreachable' })] }))).toEqual({ state: 'in-sync' });
    expect(shut.status(facts({ tableRoutes: [one({})] })).state).toBe('differs');
    expect(lines([...led.apply(facts()), ...led.undo(facts())])).toEqual([
      'ip route add 172.16.0.1/32 dev vti1 src 192.168.200.1 table 3295',
      'ip route delete 172.16.0.1/32 dev vti1 src 192.168.200.1 table 3295',
    ]);
    expect(lines(shut.apply(facts()))).toEqual(['ip route add unreachable 172.16.0.1/32 metric 9 table 3295']);
  });
});

describe('policies of a device', () => {
  it('are distinguished by family, mark and if_id', () => {
    const options = {
      direction: 'out',
      source: ends.local,
      destination: ends.remote,
      mode: 'tunnel',
      reqid: 1,
      reason,
    } as const;
    const item = xfrmPolicyItem({ ...options, selector: 'any', family: 6, ifId: 0xcdf });
    const found = {
      ...{ direction: 'out', protocol: undefined, mode: 'tunnel', reqid: 1, transform: 'esp' },
      ifId: 0xcdf,
    };
    const on = (prefix: string, parts: object = {}) =>
      item.status(facts({ policies: [{ ...found, source: prefix, destination: prefix, ...parts }] })).state;
    expect(on('::/0')).toBe('in-sync');
    expect(on('0.0.0.0/0')).toBe('differs');
    expect(on('::/0', { ifId: 7 })).toBe('differs');
    expect(on('::/0', { reqid: 9 })).toBe('conflict');
    expect(lines(item.undo(facts()))).toEqual(['ip -6 xfrm policy delete src ::/0 dst ::/0 dir out if_id 0xcdf']);
    expect(item.key).not.toBe(xfrmPolicyItem({ ...options, selector: 'any', ifId: 0xcdf }).key);
  });
});
