/** Queues, their holders and the rules that feed them. */
import { type Case, INNER, OUTER, noSaves, tunnel } from './cases.js';
import { NOT_READ, held, heldAll, nft, saved } from './machine.js';

const lost = (leaked: number, overrun: number) => ({
  daemon: { version: '1', packets: 10, leaked, overrun, advice: [{ seen: 'x', remedy: 'raise --receive-buffer' }] },
});

const program = (leftForQueue: number, device = 'gretap1') => ({
  fastPaths: {
    known: [{ device, direction: 'egress' as const, name: 'a', counters: { packets: 9, cleared: 5, leftForQueue } }],
  },
});

export const QUEUE: Case[] = [
  ['fast-path', program(0), 'ok', /5 of 9 packets cleared, 0 left/],
  [
    'fast-path',
    program(4),
    'wrong',
    /no queue is served: 4 packets passed gretap1 with DF/,
    /queue: 0 in the site file/,
  ],
  ['fast-path', { ...program(4), ...saved(`mangle ${INNER}`) }, 'wrong', /no queue is served/, /gro off/],
  ['fast-path', { ...program(4), ...saved(`mangle ${INNER}`), ...held(0, 'clear-df') }, 'ok', /4 left for the queue/],
  ['fast-path', { ...program(4), saves: noSaves }, 'unknown', /could not be read/],
  [
    'fast-path',
    { fastPaths: { known: [{ device: 'gretap1', direction: 'egress', name: 'a' }] } },
    'unknown',
    /only root/,
  ],
  ['fast-path', { fastPaths: { unknown: 'it could not be read' } }, 'unknown', /could not be read/],
  ['rules', { saves: noSaves }, 'unknown', /could not be read/, /sudo/],
  ['rules', { nftJson: { known: 'junk' } }, 'unknown', /libnftables-json/],
  ['holder', {}, 'ok', /no process/],
  ['holder', held(0, 'clear-df run --'), 'ok', /77 \(clear-df/],
  ['holder', held(0, 'suricata'), 'ok', /suricata/],
  [
    'holder',
    { ...held(0, 'suricata'), ...saved(`mangle ${OUTER} -m comment --comment "clear-df:a"`) },
    'wrong',
    /not clear-df.*clear-df:a/,
    /stop process 77/,
  ],
  ['holder', held(0, undefined), 'unknown', /does not show/],
  ['holder', { queues: NOT_READ }, 'unknown', /could not be read/],
  ['feed', { ...saved(`mangle ${OUTER}`), ...held(0, 'clear-df') }, 'ok', /held; without bypass/],
  ['feed', saved(`mangle ${OUTER}`), 'wrong', /no bypass: every packet that it matches is lost/, /clear-df --queue 0/],
  ['feed', saved(`mangle ${INNER}`), 'wrong', /go on unchanged/, /clear-df --queue 0/],
  [
    'feed',
    { ...saved('mangle -A OUTPUT -j NFQUEUE --queue-balance 2:4 --queue-bypass'), ...held(2, 'clear-df') },
    'wrong',
    /queue 3, 4/,
    /--queue 2:4/,
  ],
  [
    'feed',
    nft({ expr: [{ queue: { num: { range: [0, 1] }, flags: ['bypass'] } }] }),
    'wrong',
    /go on unchanged/,
    /--queue 0:1/,
  ],
  [
    'feed',
    saved('mangle -A OUTPUT -j NFQUEUE --queue-balance 0:65535'),
    'wrong',
    /queue 0, 1, .{1,50}, 15, … \(65536 queues\), which/,
    /program that the rule is meant for/,
  ],
  [
    'feed',
    {
      ...saved('mangle -A OUTPUT -j NFQUEUE --queue-balance 2:3 --queue-bypass --queue-cpu-fanout'),
      ...held(2, 'clear-df'),
    },
    'wrong',
    /feeds queue 3, which no process has bound: its packets go on unchanged/,
    /--queue 2:3/,
  ],
  ...(
    [
      ['--queue-balance 2:3 --queue-bypass --queue-cpu-fanout', /feeds queues 2-3 by CPU, which is held$/],
      ['--queue-balance 2:3 --queue-bypass', /feeds queues 2-3, which is held$/],
    ] as const
  ).map(([target, evidence]): Case => [
    'feed',
    { ...saved(`mangle -A OUTPUT -j NFQUEUE ${target}`), ...heldAll(2, 3) },
    'ok',
    evidence,
  ]),
  [
    'feed',
    nft({ expr: [{ queue: { num: { range: [0, 1] }, flags: ['bypass', 'fanout'] } }] }),
    'wrong',
    /go on unchanged/,
    /--queue 0:1/,
  ],
  [
    'feed',
    nft({ expr: [{ queue: { num: { range: [0, 1] }, flags: 'fanout' } }] }),
    'wrong',
    /no bypass: every packet that it matches is lost/,
    /--queue 0:1/,
  ],
  ['rules', nft({ expr: [{ queue: { num: { numgen: { mode: 'inc', mod: 4 } } } }] }), 'unknown', /not parsed here/],
  ['feed', nft({ expr: [{ queue: null }] }), 'wrong', /is lost/, /--queue 0/],
  [
    'feed',
    { ...nft({ expr: [{ queue: { num: 5, flags: 'bypass' } }] }), ...held(5, 'x') },
    'ok',
    /feeds queue 5, which is held$/,
  ],
  ['feed', { ...saved(`mangle ${OUTER}`), queues: NOT_READ }, 'unknown', /could not be read/],
  [
    'outer-alone',
    tunnel({}, saved(`mangle ${OUTER}`)),
    'wrong',
    /before there is an outer packet/,
    /--hook bridge --out-dev gretap1 --queue 0/,
  ],
  ['outer-alone', tunnel({}, saved(`mangle ${OUTER}`, `mangle ${INNER}`)), 'ok', /sees the inner frames/],
  [
    'outer-alone',
    tunnel({}, saved(`mangle ${OUTER}`, `mangle ${INNER.replace('gretap1', 'eth7')}`)),
    'wrong',
    /gretap1 refuses/,
    /gretap1/,
  ],
  ['outer-alone', tunnel({ ignore_df: true }, saved(`mangle ${OUTER}`)), 'ok', /ignore-df/],
  ['losses', lost(0, 0), 'ok', /0 passed unchanged/],
  ['losses', lost(3, 0), 'wrong', /3 passed unchanged/, /receive-buffer/],
  ['losses', lost(0, 2), 'wrong', /2 were lost/, /receive-buffer/],
  ['losses', held(0, 'clear-df run'), 'unknown', /no statistics answer/],
];
