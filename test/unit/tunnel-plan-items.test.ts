/** Items one by one: what is so, what makes it so, and what puts back exactly what was there. */
import { describe, expect, it } from 'vitest';
import { type Command, type Item, unmet } from '../../src/tunnel/item.js';
import { bridgeCallItem, bridgeItem, mtuItem, portItem, upItem } from '../../src/tunnel/items/link.js';
import { gretapItem } from '../../src/tunnel/items/tunnel-device.js';
import { moduleItem } from '../../src/tunnel/items/module.js';
import { nftTableItem } from '../../src/tunnel/items/nft-table.js';
import { loadedTable } from '../helpers/nft-table.js';
import { sysctlItem } from '../../src/tunnel/items/sysctl.js';
import { QUOTING, xfrmBlockItem } from '../../src/tunnel/items/xfrm-guard.js';
import { xfrmPolicyItem } from '../../src/tunnel/items/xfrm-policy.js';
import { algorithmsDigest, xfrmStateItem } from '../../src/tunnel/items/xfrm-state.js';
import { facts, link } from './tunnel-samples.js';

const reason = 'because';
const lines = (commands: Command[]) => commands.map(({ argv }) => argv.join(' '));

/** What a gretap with these flags looks like in `ip -d -j link`. */
function gretap(data: Record<string, unknown> = {}) {
  const ends = { local: '192.168.200.1', remote: '172.16.0.1', ttl: 0 };
  return link('gretap1', { mtu: 1462, kind: 'gretap', data: { ...ends, pmtudisc: false, ...data } });
}

function tunnel(parts: { pmtudisc?: boolean; ignoreDf?: boolean; key?: number; ttl?: number } = {}): Item {
  const ends = { local: '192.168.200.1', remote: '172.16.0.1', key: parts.key, ttl: parts.ttl };
  return gretapItem('gretap1', { ...ends, pmtudisc: false, ignoreDf: false, ...parts, reason });
}

describe('attributes', () => {
  const cases: { item: Item; before: ReturnType<typeof link>; make: string; undo: string[] }[] = [
    {
      item: mtuItem('eth0', 1500, { reason, fresh: false }),
      before: link('eth0', { mtu: 1400 }),
      make: 'ip link set dev eth0 mtu 1500',
      undo: ['ip link set dev eth0 mtu 1400'],
    },
    {
      item: upItem('eth0', { reason, fresh: false }),
      before: link('eth0', { up: false }),
      make: 'ip link set dev eth0 up',
      undo: ['ip link set dev eth0 down'],
    },
    {
      item: portItem('eth0', 'br0', { reason, fresh: false }),
      before: link('eth0'),
      make: 'ip link set dev eth0 master br0',
      undo: ['ip link set dev eth0 nomaster'],
    },
    {
      item: bridgeCallItem('eth0', reason),
      before: link('eth0', { kind: 'bridge', data: { nf_call_iptables: 0 } }),
      make: 'ip link set dev eth0 type bridge nf_call_iptables 1',
      undo: ['ip link set dev eth0 type bridge nf_call_iptables 0'],
    },
  ];
  for (const { item, before, make, undo } of cases) {
    it(`${item.kind}: makes and puts back`, () => {
      const machine = facts({ links: [before] });
      expect(item.status(machine).state).toBe('differs');
      expect(lines(item.apply(machine))).toEqual([make]);
      expect(lines(item.undo(machine))).toEqual(undo);
      expect(item.status(facts({ links: [] })).state).toBe('differs');
    });
  }

  it('leaves alone what it did not have to change', () => {
    const machine = facts({ links: [link('eth0', { mtu: 9000, master: 'br0', up: true })] });
    const items = [
      mtuItem('eth0', 1500, { reason, fresh: false, atLeast: true }),
      upItem('eth0', { reason, fresh: false }),
      portItem('eth0', 'br0', { reason, fresh: false }),
    ];
    for (const item of items) expect(item.status(machine)).toEqual({ state: 'in-sync' });
    expect(items.slice(1).flatMap((item) => item.undo(machine))).toEqual([]);
    expect(mtuItem('eth0', 1500, { reason, fresh: false }).status(machine).state).toBe('differs');
  });

  it('puts nothing back on a device that goes as a whole', () => {
    const machine = facts({ links: [link('gretap1', { up: false, mtu: 1462 })] });
    expect(upItem('gretap1', { reason, fresh: true }).undo(machine)).toEqual([]);
    expect(mtuItem('gretap1', 1500, { reason, fresh: true }).undo(machine)).toEqual([]);
    expect(portItem('gretap1', 'br0', { reason, fresh: true }).undo(machine)).toEqual([]);
  });

  it("does not take another bridge's port", () => {
    const status = portItem('eth0', 'br0', { reason, fresh: false }).status(
      facts({ links: [link('eth0', { master: 'lan' })] }),
    );
    expect(status).toMatchObject({ state: 'conflict', observed: 'eth0 belongs to lan' });
  });
});

describe('devices', () => {
  it('bridge: is made and deleted, or was there and stays', () => {
    const item = bridgeItem('br0', reason);
    expect(lines(item.apply(facts()))).toEqual(['ip link add name br0 type bridge']);
    const [undo] = item.undo(facts());
    expect(lines([undo!])).toEqual(['ip link delete dev br0 type bridge']);
    const guest = link('tap0', { master: 'br0' });
    expect(unmet(undo!, facts({ links: [guest] }))).toBe('tap0 is a port of br0, and not by this tunnel');
    expect(unmet(undo!, facts({ links: [link('tap0', { master: 'br1' })] }))).toBeUndefined();
    // It may be a port.
    expect(unmet(undo!, facts({ oddDevices: ['"tap0"'] }))).toContain('device "tap0" may rely on it');
    const there = facts({ links: [link('br0', { kind: 'bridge' })] });
    expect(item.status(there)).toEqual({ state: 'in-sync' });
    expect(item.undo(there)).toEqual([]);
    expect(item.status(facts({ links: [link('br0', { kind: 'veth' })] }))).toMatchObject({
      state: 'conflict',
      observed: 'br0 is a veth device',
    });
  });

  it('gretap: is in sync with its ends and flags', () => {
    const on = (data?: Record<string, unknown>) => facts({ links: [gretap(data)] });
    expect(tunnel().status(on())).toEqual({ state: 'in-sync' });
    expect(tunnel({ key: 261 }).status(on({ ikey: '0.0.1.5', okey: '0.0.1.5' }))).toEqual({ state: 'in-sync' });
    expect(tunnel({ key: 0xffff_ffff }).status(on({ ikey: '255.255.255.255', okey: '255.255.255.255' }))).toEqual({
      state: 'in-sync',
    });
    expect(tunnel({ ignoreDf: true }).status(on({ ignore_df: true }))).toEqual({ state: 'in-sync' });
    expect(tunnel({ ttl: 64 }).status(on())).toMatchObject({ state: 'differs' });
    expect(tunnel().status(on({ link: 'eth1' }))).toEqual({ state: 'in-sync' });
  });

  it.each([
    [{ remote: '172.16.0.9' }, 'gretap1 goes from 192.168.200.1 to 172.16.0.9'],
    [{ remote: 'any' }, 'gretap1 goes from 192.168.200.1 to any'],
    [{ ikey: '0.0.0.5', okey: '0.0.0.5' }, 'gretap1 goes from 192.168.200.1 to 172.16.0.1 with key 5'],
    [{ oseq: true, iseq: true }, 'gretap1 has iseq'],
    [{ external: true }, 'gretap1 has external'],
  ])('gretap: another one is a conflict: %j', (data, observed) => {
    expect(tunnel().status(facts({ links: [gretap(data)] }))).toMatchObject({ state: 'conflict', observed });
  });

  it('gretap: changes the flags of a live device and gives it back its own', () => {
    const ends = 'ip link change dev gretap1 type gretap local 192.168.200.1 remote 172.16.0.1';
    const copying = facts({ links: [gretap({ pmtudisc: true, ttl: 64 })] });
    const item = tunnel({ ignoreDf: true });
    expect(lines(item.apply(copying))).toEqual([`${ends} nopmtudisc ignore-df ttl inherit`]);
    // The kernel refuses pmtudisc while ignore-df is on, so that the way back takes two steps.
    expect(lines(item.undo(copying))).toEqual([
      `${ends} nopmtudisc noignore-df ttl inherit`,
      `${ends} pmtudisc noignore-df ttl 64`,
    ]);
  });

  it('gretap: is created with the flags that differ from the defaults', () => {
    expect(lines(tunnel({ key: 7, ignoreDf: true, ttl: 64 }).apply(facts()))).toEqual([
      'ip link add name gretap1 type gretap local 192.168.200.1 remote 172.16.0.1 key 7 nopmtudisc ignore-df ttl 64',
    ]);
    expect(lines(tunnel().undo(facts()))).toEqual(['ip link delete dev gretap1 type gretap']);
  });
});

describe('kernel parameters and modules', () => {
  const name = 'net/ipv4/conf/eth0.1/forwarding';

  it('sysctl: keeps slashes, because a device name may hold a dot', () => {
    const item = sysctlItem(name, '1', { reason });
    const machine = facts({ sysctls: new Map([[name, '0']]) });
    expect(lines(item.apply(machine))).toEqual([`sysctl -w ${name}=1`]);
    expect(lines(item.undo(machine))).toEqual([`sysctl -w ${name}=0`]);
    expect(item.undo(facts())).toEqual([]);
    expect(sysctlItem(name, '1', { reason, fresh: true }).undo(machine)).toEqual([]);
  });

  it('module: is unloaded only when it was not there, and nobody has come to rely on it', () => {
    const unloadWhile = { sysctls: { 'net/bridge/bridge-nf-call-iptables': '0' }, noBridgeCalls: true };
    const item = moduleItem('br_netfilter', { reason, unloadWhile });
    const [undo] = item.undo(facts());
    expect(lines([undo!])).toEqual(['modprobe -r br_netfilter']);
    expect(item.undo(facts({ modules: new Set(['br_netfilter']) }))).toEqual([]);
    expect(moduleItem('ip_gre', { reason }).undo(facts())).toEqual([]);
    const sysctls = (value: string) => new Map([['net/bridge/bridge-nf-call-iptables', value]]);
    expect(unmet(undo!, facts({ sysctls: sysctls('0') }))).toBeUndefined();
    expect(unmet(undo!, facts())).toBeUndefined();
    expect(unmet(undo!, facts({ sysctls: sysctls('1') }))).toContain('someone else relies on it');
    const calling = link('docker0', { kind: 'bridge', data: { nf_call_iptables: 1 } });
    expect(unmet(undo!, facts({ links: [calling] }))).toBe('bridge docker0 hands its frames to iptables');
    // An `up` that was cut short has left what the kernel gave it: nobody has chosen that.
    expect(unmet(undo!, facts({ oddDevices: ['"br7"'] }))).toContain('device "br7" may rely on it');
    expect(unmet(undo!, facts({ sysctls: sysctls('1') }), () => false)).toBeUndefined();
    // Through the journal and back.
    expect(unmet(JSON.parse(JSON.stringify(undo)) as Command, facts({ sysctls: sysctls('1') }))).toBeDefined();
  });
});

describe('IPsec', () => {
  const ends = { source: '192.168.200.1', destination: '172.16.0.1' };
  const algorithms = [{ kind: 'aead' as const, name: 'rfc4106(gcm(aes))', key: '0xA1a1', icvBits: 128 }];
  const state = {
    ...ends,
    protocol: 'esp',
    spi: 0x1001,
    mode: 'transport',
    reqid: 1,
    digest: algorithmsDigest(algorithms),
  };
  const item = xfrmStateItem({ ...ends, spi: 0x1001, mode: 'transport', reqid: 1, algorithms, keyFile: 'K', reason });

  it('state: keys go by standard input, people see words, the undo has none', () => {
    const [command] = item.apply(facts());
    expect(command).toEqual({
      argv: ['ip', '-batch', '-'],
      input:
        'xfrm state add src 192.168.200.1 dst 172.16.0.1 proto esp spi 0x00001001 reqid 1 mode transport ' +
        'aead rfc4106(gcm(aes)) 0xA1a1 128\n',
      shown:
        'xfrm state add src 192.168.200.1 dst 172.16.0.1 proto esp spi 0x00001001 reqid 1 mode transport ' +
        'aead rfc4106(gcm(aes)) <16-bit-key-from-the-key-file> 128\n',
    });
    expect(lines(item.undo(facts()))).toEqual([
      'ip xfrm state delete src 192.168.200.1 dst 172.16.0.1 proto esp spi 0x00001001',
    ]);
  });

  it('state: is in sync only with the same keys, mode and reqid', () => {
    expect(item.status(facts({ states: [state] }))).toEqual({ state: 'in-sync' });
    expect(item.status(facts({ states: [{ ...state, spi: 0x1002 }] })).state).toBe('differs');
    for (const other of [{ digest: 'x' }, { mode: 'tunnel' }, { reqid: 2 }]) {
      expect(item.status(facts({ states: [{ ...state, ...other }] })).state).toBe('conflict');
    }
  });

  it('policy: in tunnel mode the template names its ends', () => {
    const policy = xfrmPolicyItem({
      ...{ ...ends, direction: 'out', mode: 'tunnel', reqid: 1, reason },
      selector: { name: 'GRE', protocol: 'gre' },
    });
    expect(lines(policy.apply(facts()))).toEqual([
      'ip xfrm policy add src 192.168.200.1 dst 172.16.0.1 proto gre dir out ' +
        'tmpl src 192.168.200.1 dst 172.16.0.1 proto esp reqid 1 mode tunnel',
    ]);
    const found = { direction: 'out', source: '192.168.200.1/32', destination: '172.16.0.1/32', protocol: '47' };
    const right = { ...found, mode: 'tunnel', reqid: 1, transform: 'esp' };
    expect(policy.status(facts({ policies: [right] }))).toEqual({ state: 'in-sync' });
    expect(policy.status(facts({ policies: [{ ...right, direction: 'in' }] })).state).toBe('differs');
    expect(policy.status(facts({ policies: [{ ...right, transform: 'ah' }] })).state).toBe('conflict');
  });

  it('block: is in sync only with a policy that lets no such ICMP out', () => {
    const block = xfrmBlockItem('192.168.200.1', '172.16.0.1', QUOTING[0]!);
    const selector = 'src 192.168.200.1 dst 172.16.0.1 proto icmp type 3 code 3 dir out';
    expect(lines(block.apply(facts()))).toEqual([`ip xfrm policy add ${selector} action block`]);
    expect(lines(block.undo(facts()))).toEqual([`ip xfrm policy delete ${selector}`]);
    const found = { direction: 'out', source: '192.168.200.1/32', destination: '172.16.0.1/32', protocol: 'icmp' };
    const right = { ...found, mode: '', reqid: 0, transform: '', icmp: { type: 3, code: 3 }, blocks: true };
    expect(block.status(facts({ policies: [right] }))).toEqual({ state: 'in-sync' });
    const others = [{ direction: 'in' }, { icmp: { type: 3, code: 4 } }, { icmp: undefined }, { source: '0.0.0.0/0' }];
    for (const other of others) {
      expect(block.status(facts({ policies: [{ ...right, ...other }] })).state).toBe('differs');
    }
    expect(block.status(facts({ policies: [{ ...right, blocks: false }] })).state).toBe('conflict');
  });
});

describe('nft table', () => {
  const table = (rule: string) => {
    const base = 'type filter hook output priority 0; policy accept;';
    return nftTableItem({
      ...{ family: 'bridge', name: 'a', chains: [{ name: 'c', base, rules: [rule] }], desired: 'w', reason },
    });
  };
  const item = table('counter drop');
  const [{ input = '' } = {}] = item.apply(facts());

  it('is replaced in one transaction', () => {
    expect(input).toMatch(
      /^add table bridge clear_df_a\ndelete table bridge clear_df_a\ntable bridge clear_df_a \{\n {2}chain c \{\n {4}type filter hook output priority 0; policy accept;\n {4}counter drop\n {2}\}\n {2}chain made_from_[0-9a-f]{12} \{ \}\n\}\n$/,
    );
    expect(item.apply(facts())).toEqual([{ argv: ['nft', '-f', '-'], input }]);
    expect(lines(item.undo(facts()))).toEqual(['nft delete table bridge clear_df_a']);
  });

  it('is in sync with its own rules alone', () => {
    const there = loadedTable(input);
    const observed = (...tables: string[]) => {
      const status = item.status(facts({ tables }));
      return status.state === 'differs' ? status.observed : status.state;
    };
    expect(there).toMatch(/^bridge clear_df_a: c 1, made_from_[0-9a-f]{12} 0$/);
    expect(observed(there)).toBe('in-sync');
    expect(observed(there.replace('bridge', 'ip'))).toBe('there is no table bridge clear_df_a');
    // Flushed; with a rule of somebody's before ours; of an earlier site file; of clear-df 0.1.
    for (const other of [
      there.replace('c 1', 'c 0'),
      there.replace('c 1', 'c 2'),
      loadedTable(table('counter accept').apply(facts())[0]?.input ?? ''),
      'bridge clear_df_a: c 1',
    ]) {
      expect(observed(other)).toBe('table bridge clear_df_a has other rules');
    }
    expect(item.status(facts({ tables: undefined })).state).toBe('differs');
  });
});
