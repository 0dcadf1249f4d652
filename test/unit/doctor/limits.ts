/** nft rules that spoil packets, and what the host has room for. */
import { type Case, MASKED, fragOff } from './cases.js';
import { type Change, NOT_READ, bridged, device, nft, saved, sysctls } from './machine.js';

const identification = (value: unknown) => [{ mangle: { key: { payload: { protocol: 'ip', field: 'id' } }, value } }];
const numgen = (mod: number, mode = 'random') => identification({ numgen: { mode, mod } });
const SOUND = 'ip id set numgen random mod 4294967295';
const flow = { flowtable: { family: 'ip', table: 't', name: 'f', handle: 9, dev: ['eth0', 'eth1'] } };
const forwarding = saved('mangle -A PREROUTING -j NFQUEUE --queue-num 0 --queue-bypass');
const counters = (fails: number, oks: number, timeouts: number): Change => ({
  counters: {
    known: new Map([
      ['IpReasmFails', fails],
      ['IpReasmOKs', oks],
      ['IpReasmTimeout', timeouts],
    ]),
  },
});

const limit = (used: number): Change => ({ fragmentMemory: { known: used } });
const unreadable = (key: string): Change => ({
  sysctls: new Map([...machineSysctls()].filter(([name]) => name !== key)),
});
const machineSysctls = () => sysctls({}).sysctls ?? new Map<string, string>();

export const LIMITS: Case[] = [
  ['nft-writes', {}, 'ok', /none writes/],
  ['nft-writes', nft({ expr: MASKED }), 'ok', /none writes/],
  ['nft-writes', nft({ expr: numgen(4_294_967_295) }), 'ok', /none writes/],
  // As nft 1.0.6 prints the same.
  ['nft-writes', nft({ expr: numgen(-1) }), 'ok', /none writes/],
  [
    'nft-writes',
    nft({ expr: numgen(65_536), text: 'ip id set numgen random mod 65536' }),
    'wrong',
    /writes 0/,
    /^nft 'replace rule ip t c handle 4 ip id set numgen random mod 4294967295'$/,
  ],
  ...(
    [
      [numgen(65_535), 'ip id set numgen random mod 65535', /writes 0/],
      [numgen(65_536, 'inc'), 'ip id set numgen inc mod 65536', /writes 0/],
      [numgen(65_535), 'ip id set numgen random mod 65535 offset 1', /writes 0/],
      [numgen(4_294_967_295, 'inc'), 'ip id set numgen inc mod 4294967295', /the same into 65536 packets in a row/],
      [identification(0), 'ip id set 0', /'ip id set 0' writes the same into every packet/],
    ] as const
  ).map(([expr, text, words]): Case => {
    const fix = new RegExp(`^nft 'replace rule ip t c handle 4 ip ttl 9 ${SOUND} counter'$`);
    return ['nft-writes', nft({ expr, text: `ip ttl 9 ${text} counter` }), 'wrong', words, fix];
  }),
  ['nft-writes', nft({ expr: numgen(65_536) }), 'wrong', /writes 0/, /^nft delete rule ip t c handle 4$/],
  [
    'nft-writes',
    nft({ expr: fragOff(0), text: 'ip frag-off set 0' }),
    'wrong',
    /wipes more-fragments/,
    /set ip frag-off & 0xbfff'$/,
  ],
  ['nft-writes', { nftJson: NOT_READ }, 'unknown', /could not be read/],
  ['flowtables', {}, 'ok', /none/],
  ['flowtables', nft({}, [flow]), 'ok', /no rule queues forwarded/],
  [
    'flowtables',
    { ...nft({}, [flow]), ...forwarding },
    'wrong',
    /on eth0, eth1 bypass iptables-nft mangle PREROUTING/,
    /flow add @f/,
  ],
  ['ipfrag', limit(1000), 'ok', /hold 1675 halves.*room for 55 losses/],
  ['ipfrag', limit(4_000_000), 'wrong', /4000000 bytes in use/, /ipfrag_high_thresh=16777216/],
  ['ipfrag', unreadable('net/ipv4/ipfrag_time'), 'unknown', /cannot be read/],
  ['ipfrag', { fragmentMemory: NOT_READ }, 'unknown', /could not be read/],
  ['reassembly', {}, 'ok', /ReasmFails 0/],
  ['reassembly', counters(9, 0, 0), 'ok', /ReasmFails 9/],
  ['reassembly', counters(10, 991, 0), 'ok', /ReasmFails 10/],
  ['reassembly', counters(10, 990, 0), 'wrong', /ReasmFails 10/, /identifications repeat/],
  ['reassembly', counters(100, 100, 90), 'wrong', /90 of them/, /lost in transit/],
  ['reassembly', { counters: NOT_READ }, 'unknown', /could not be read/],
  ['ipfrag-max-dist', {}, 'ok', /64/],
  ['ipfrag-max-dist', sysctls({ 'net/ipv4/ipfrag_max_dist': '0' }), 'ok', /no limit/],
  [
    'ipfrag-max-dist',
    sysctls({ 'net/ipv4/ipfrag_max_dist': '4' }),
    'wrong',
    /more than 4 other fragments/,
    /max_dist=64/,
  ],
  ['ipfrag-max-dist', unreadable('net/ipv4/ipfrag_max_dist'), 'unknown', /cannot be read/],
  ['conntrack-room', {}, 'ok', /0 of at most 262144/],
  [
    'conntrack-room',
    sysctls({ 'net/netfilter/nf_conntrack_count': '262000' }),
    'wrong',
    /262000 of/,
    /nf_conntrack_max=524288/,
  ],
  ['conntrack-room', unreadable('net/netfilter/nf_conntrack_max'), 'ok', /not loaded/],
  ['rmem-max', {}, 'ok', /SO_RCVBUFFORCE/],
  ['rmem-max', { initialUsers: 'no' }, 'wrong', /212992 bytes/, /rmem_max=67108864/],
  ['rmem-max', { initialUsers: 'unknown' }, 'unknown', /not known/],
  ['rmem-max', { initialUsers: 'no', ...sysctls({ 'net/core/rmem_max': '67108864' }) }, 'ok', /asks for 67108864/],
  ['gso', bridged(), 'ok', /no bridge port/],
  [
    'gso',
    { devices: { known: [device('eth0', { master: 'br0', gsoIpv4MaxSize: 131_072 })] } },
    'wrong',
    /131072/,
    /gso_ipv4_max_size 65536/,
  ],
  [
    'gso',
    { devices: { known: [device('eth0', { master: 'br0', gsoIpv4MaxSize: undefined })] } },
    'unknown',
    /does not print/,
  ],
];
