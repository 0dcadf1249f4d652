/** What tools print, as facts; and commands whose secrets stay secret. */
import { describe, expect, it } from 'vitest';
import { ClearDfError } from '../../src/errors.js';
import { parseLinks } from '../../src/host/read/links.js';
import { readPath } from '../../src/host/read/path.js';
import { parseRoutes } from '../../src/host/read/routes.js';
import { parsePolicies, parseStates, readXfrm } from '../../src/host/read/xfrm.js';
import { judge } from '../../src/host/probes/nft-clears-df.js';
import { perform } from '../../src/host/tunnel/perform.js';
import { originOf, snapshotOf } from '../../src/host/tunnel/snapshot.js';
import { NoAnswerError, type Runner } from '../../src/host/exec.js';
import { algorithmsDigest } from '../../src/tunnel/items/xfrm-state.js';
import { checkSite } from '../../src/tunnel/check.js';
import { planTunnel } from '../../src/tunnel/planner.js';
import { facts, site } from './tunnel-samples.js';

/** A runner whose queries are answered from a table; what it does not know fails as a command would. */
function runnerOf(answers: Record<string, string | Error>): Runner {
  const query = async (command: string, args: readonly string[]) => {
    const answer = answers[[command, ...args].join(' ')];
    if (typeof answer === 'string') return answer;
    throw (
      answer ??
      new ClearDfError({
        code: 'RUNTIME',
        operation: 'run',
        object: command,
        reason: 'RTNETLINK answers: Network is unreachable',
      })
    );
  };
  return { dryRun: false, query, change: query, effect: async (_, action) => action() };
}

describe('links', () => {
  it('are read with what `ip address add` needs to make their addresses again', () => {
    const printed = JSON.stringify([
      {},
      {
        ifname: 'eth0',
        flags: ['UP'],
        mtu: 1500,
        master: 'br0',
        addr_info: [
          { family: 'inet', local: '10.0.0.1', prefixlen: 24, broadcast: '10.0.0.255', scope: 'global', label: 'eth0' },
          { family: 'inet', local: '10.0.0.1', address: '10.9.9.9', prefixlen: 32, scope: 'global', label: 'eth0:1' },
          { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' },
        ],
      },
      { ifname: 'gre0', flags: [], mtu: 1476, linkinfo: { info_kind: 'gre', info_data: { ttl: 0 } }, addr_info: [] },
    ]);
    const [eth0, gre0] = parseLinks(printed).links;
    expect(eth0).toMatchObject({ name: 'eth0', up: true, master: 'br0', kind: undefined, fallback: false });
    expect(eth0?.addresses.map(({ prefix, words }) => [prefix, words?.join(' ')])).toEqual([
      ['10.0.0.1/24', 'broadcast 10.0.0.255'],
      ['10.0.0.1/32', 'peer 10.9.9.9/32 label eth0:1'],
      ['fe80::1/64', 'scope link'],
    ]);
    expect(gre0).toMatchObject({ kind: 'gre', data: { ttl: 0 }, fallback: true, up: false });
  });

  it('that are not understood are left out, and the plan names them', () => {
    const odd = { ifname: 'fancy0', mtu: 'large' };
    const read = parseLinks(JSON.stringify([odd, { ifname: 'eth1', mtu: 1500 }]));
    expect(read).toMatchObject({ links: [{ name: 'eth1' }], oddDevices: ['"fancy0"'] });
    const machine = { ...facts(), oddDevices: read.oddDevices };
    expect(planTunnel(site(), machine).notes).toContain(
      'device "fancy0" is left out: what ip -d address show says of it is not understood',
    );
    const asked = site({ underlay: 'fancy0' });
    expect(() => checkSite(asked, machine)).toThrow(
      /underlay: what ip -d address show says of fancy0 is not understood/,
    );
    // While a tunnel is up, too.
    const past = { before: snapshotOf(facts()), entries: [] };
    expect(() => checkSite(asked, originOf(past, machine, asked))).toThrow(/fancy0 is not understood/);
  });

  it('of something that prints no JSON are refused', () => {
    expect(() => parseLinks('BusyBox v1.35.0')).toThrow('its output is not the JSON');
    for (const nothing of ['', '[]', '[{}]']) expect(() => parseLinks(nothing)).toThrow('not even lo');
  });
});

describe('policies of devices', () => {
  it('have their mark before the template, and their if_id behind it', () => {
    const printed = [
      'src 0.0.0.0/0 dst 0.0.0.0/0 ',
      '\tdir out priority 0 ptype main ',
      '\tmark 0xcdf/0xffffffff ',
      '\ttmpl src 192.168.200.1 dst 172.16.0.1',
      '\t\tproto esp reqid 1 mode tunnel',
      'src ::/0 dst ::/0 ',
      '\tdir in priority 0 ptype main ',
      '\ttmpl src 172.16.0.1 dst 192.168.200.1',
      '\t\tproto esp reqid 1 mode tunnel',
      '\tif_id 0xcdf',
    ];
    expect(parsePolicies(`${printed.join('\n')}\n`)).toMatchObject([
      { direction: 'out', mark: { value: 0xcdf, mask: 0xffff_ffff }, ifId: undefined },
      { direction: 'in', source: '::/0', mark: undefined, ifId: 0xcdf },
    ]);
  });
});

describe('routes', () => {
  it('keep the words that `ip route add` takes, and lose those that only tell how they fare', () => {
    const printed = [
      'default via 10.0.0.254 dev eth0 proto dhcp metric 100 ',
      '10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.1 linkdown ',
      'default proto static metric 300 \\\tnexthop via 10.1.0.1 dev eth1 weight 1 \\\tnexthop via 10.2.0.1 dev eth2 weight 1 ',
      'blackhole 10.9.0.0/16 ',
      '10.8.0.0/16 nhid 7 via 10.0.0.9 dev eth0 onlink ',
    ].join('\n');
    expect(parseRoutes(printed)).toEqual([
      {
        ...{ destination: 'default', via: '10.0.0.254', dev: 'eth0', protocol: 'dhcp' },
        words: ['via', '10.0.0.254', 'dev', 'eth0', 'proto', 'dhcp', 'metric', '100'],
      },
      {
        ...{ destination: '10.0.0.0/24', via: undefined, dev: 'eth0', protocol: 'kernel' },
        words: ['dev', 'eth0', 'proto', 'kernel', 'scope', 'link', 'src', '10.0.0.1'],
      },
      expect.objectContaining({ destination: 'default', via: '10.1.0.1', dev: 'eth1', protocol: 'static' }),
      {
        ...{ destination: '10.8.0.0/16', via: '10.0.0.9', dev: 'eth0', protocol: 'boot' },
        words: ['via', '10.0.0.9', 'dev', 'eth0', 'onlink'],
      },
    ]);
  });

  it('give the MTU of the route or the device, never what path MTU discovery has learnt', async () => {
    const { links } = parseLinks(JSON.stringify([{ ifname: 'eth1', mtu: 1500 }]));
    const way = { dev: 'eth1', gateway: '10.0.0.254', prefsrc: '10.0.0.1' };
    const get = 'ip -j -4 route get 172.16.0.1';
    const pathWith = async (route: object, fib?: object) =>
      readPath(
        runnerOf({
          [get]: JSON.stringify([{ ...way, ...route }]),
          ...(fib === undefined ? {} : { 'ip -j -4 route get fibmatch 172.16.0.1': JSON.stringify([fib]) }),
        }),
        '172.16.0.1',
        links,
      );
    const found = { dev: 'eth1', via: '10.0.0.254', source: '10.0.0.1' };
    expect(await pathWith({})).toEqual({ ...found, mtu: 1500 });
    expect(await pathWith({ metrics: [{ mtu: 1400 }] })).toEqual({ ...found, mtu: 1400 });
    expect(await pathWith({ expires: 599, metrics: [{ mtu: 1446 }] }, { dev: 'eth1' })).toEqual({
      ...found,
      mtu: 1500,
    });
    const below = { dev: 'eth1', metrics: [{ mtu: 1420 }] };
    expect(await pathWith({ expires: 599, metrics: [{ mtu: 1300 }] }, below)).toEqual({ ...found, mtu: 1420 });
    expect(await readPath(runnerOf({}), '172.16.0.1', links)).toBeUndefined();
  });

  it('go by the source address of the tunnel, where that is an address of this machine', async () => {
    const { links } = parseLinks(JSON.stringify(['eth1', 'eth2'].map((ifname) => ({ ifname, mtu: 1500 }))));
    const get = 'ip -j -4 route get 172.16.0.1';
    const plain = { [get]: JSON.stringify([{ dev: 'eth1', gateway: '10.0.0.254', prefsrc: '10.0.0.1' }]) };
    const sourced = { ...plain, [`${get} from 10.2.0.1`]: JSON.stringify([{ dev: 'eth2', gateway: '10.2.0.254' }]) };
    const path = (answers: Record<string, string>) => readPath(runnerOf(answers), '172.16.0.1', links, '10.2.0.1');
    expect(await path(sourced)).toEqual({ dev: 'eth2', mtu: 1500, source: '10.2.0.1', via: '10.2.0.254' });
    expect(await path(plain)).toEqual({ dev: 'eth1', mtu: 1500, source: '10.0.0.1', via: '10.0.0.254' });
  });
});

describe('IPsec', () => {
  const KEY = '0123456789abcdef0123456789abcdef01234567';
  const STATES = `src 192.168.200.1 dst 172.16.0.1
\tproto esp spi 0x00001001 reqid 1 mode transport
\treplay-window 0 flag nopmtudisc
\taead rfc4106(gcm(aes)) 0x${KEY} 128
\tanti-replay context: seq 0x0, oseq 0x0, bitmap 0x00000000
\tsel src 0.0.0.0/0 dst 0.0.0.0/0
src 172.16.0.1 dst 192.168.200.1
\tproto esp spi 0xc0ffee02 reqid 7(0x00000007) mode tunnel
\treplay-window 32 flag af-unspec
\tauth-trunc hmac(sha256) 0x${KEY} 128
\tenc cbc(aes) 0xAB${KEY}
`;

  it('associations are read with a digest for a key, and without the key', () => {
    const states = parseStates(STATES);
    expect(states).toMatchObject([
      { source: '192.168.200.1', destination: '172.16.0.1', protocol: 'esp', spi: 0x1001, mode: 'transport', reqid: 1 },
      { source: '172.16.0.1', destination: '192.168.200.1', spi: 0xc0ffee02, mode: 'tunnel', reqid: 7 },
    ]);
    expect(JSON.stringify(states)).not.toContain(KEY);
    const aead = { kind: 'aead', name: 'rfc4106(gcm(aes))', key: KEY.toUpperCase(), icvBits: 128 } as const;
    expect(states[0]?.digest).toBe(algorithmsDigest([aead]));
    expect(states[0]?.digest).not.toBe(algorithmsDigest([{ ...aead, icvBits: 96 }]));
    const cbc = { kind: 'enc', name: 'cbc(aes)', key: `0xab${KEY}` } as const;
    const hmac = { kind: 'auth-trunc', name: 'hmac(sha256)', key: KEY, icvBits: 128 } as const;
    expect(states[1]?.digest).toBe(algorithmsDigest([cbc, hmac]));
  });

  it('policies are read, those of sockets left out', () => {
    const printed = `src 192.168.200.1/32 dst 172.16.0.1/32 proto gre 
\tdir out priority 0 ptype main 
\ttmpl src 0.0.0.0 dst 0.0.0.0
\t\tproto esp reqid 1 mode transport
src 0.0.0.0/0 dst 0.0.0.0/0 
\tsocket in priority 0 ptype main 
src 192.168.200.1/32 dst 172.16.0.1/32 proto icmp type 3 code 3 
\tdir out action block priority 0 ptype main 
`;
    const ends = { direction: 'out', source: '192.168.200.1/32', destination: '172.16.0.1/32' };
    expect(parsePolicies(printed)).toEqual([
      { ...ends, protocol: 'gre', mode: 'transport', reqid: 1, transform: 'esp', blocks: false },
      {
        ...{ ...ends, protocol: 'icmp', icmp: { type: 3, code: 3 }, blocks: true },
        ...{ mode: '', reqid: 0, transform: '' },
      },
    ]);
  });

  it('are unknown, and not absent, unless the kernel has no IPsec or does not let this user look', async () => {
    const failed = (reason: string, code: 'RUNTIME' | 'PRIVILEGE' = 'RUNTIME') =>
      new ClearDfError({ code, operation: 'run', object: 'ip xfrm state', reason });
    const killed = new NoAnswerError({ code: 'RUNTIME', operation: 'run', reason: 'killed by SIGKILL' });
    for (const error of [killed, failed('exit code 1'), failed('Cannot allocate memory')]) {
      await expect(readXfrm(runnerOf({ 'ip xfrm state': error, 'ip xfrm policy': '' }))).rejects.toBe(error);
    }
    const nothing = { states: [], policies: [] };
    for (const error of [failed('Cannot open netlink socket: Protocol not supported'), failed('', 'PRIVILEGE')]) {
      expect(await readXfrm(runnerOf({ 'ip xfrm state': error, 'ip xfrm policy': error }))).toEqual(nothing);
    }
  });

  it('a refused key is in no message and in no echo', async () => {
    const echoed: string[] = [];
    const words = `Error: argument "0x${KEY}" is wrong: bad key, or "${KEY}"`;
    const refusal = new ClearDfError({ code: 'RUNTIME', operation: 'run', object: 'ip -batch -', reason: words });
    const command = {
      argv: ['ip', '-batch', '-'],
      input: `xfrm state add spi 0x1001 aead rfc4106(gcm(aes)) 0x${KEY} 128\n`,
      shown: 'xfrm state add spi 0x1001 aead rfc4106(gcm(aes)) <key> 128\n',
    };
    const log = { debug: (text: string) => echoed.push(text) };
    const error: unknown = await perform(runnerOf({ 'ip -batch -': refusal }), command, log).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ClearDfError);
    expect((error as ClearDfError).message).toContain('argument "…" is wrong');
    expect(`${(error as ClearDfError).message} ${(error as Error).stack} ${echoed.join()}`).not.toContain(KEY);
    expect(echoed.join()).toContain('<key>');
  });
});

describe('the probe of nft', () => {
  const listing = (before: number, after: number) =>
    `udp dport 9 ip frag-off & 16384 != 0 counter packets ${before} bytes 29 comment "before"
     udp dport 9 ip frag-off & 16384 == 0 counter packets ${after} bytes 29 comment "after"`;

  it('goes by what came out behind the rule', () => {
    expect(judge(listing(1, 1)).answer).toBe('yes');
    expect(judge(listing(1, 0)).answer).toBe('no');
    expect(judge(listing(0, 0)).answer).toBe('unknown');
  });
});
