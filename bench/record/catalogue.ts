/** The names in a record: which contenders there are, which loads, and who runs under which. Pure. */

interface ContenderInfo {
  name: string;
  /** A row of a table. */
  title: string;
  what: string;
}

export const CONTENDERS = [
  { name: 'none', title: 'no rule', what: 'the router forwards; DF stays' },
  { name: 'prefilter', title: 'prefilter alone', what: 'the rule that finds DF-set packets, and lets them pass' },
  {
    name: 'nft',
    title: 'nft in the kernel',
    what: '`ip frag-off set ip frag-off & 0xbfff`; the identification stays 0',
  },
  {
    name: 'null',
    title: 'null verdict',
    what: 'a loop that copies 64 bytes of each packet, looks at nothing and accepts by batch verdicts: what NFQUEUE costs',
  },
  {
    name: 'echo',
    title: 'echo',
    what: 'a loop that hands each packet back whole and unlooked at, 64 at once: what NFQUEUE costs who changes packets; it finishes no checksum, so it is for UDP only',
  },
  {
    name: 'fast-path',
    title: 'clear-df, fast path',
    what: '`clear-df fast-path attach`: the program in the kernel, where packets leave; no queue, no process',
  },
  {
    name: 'fast-path-queue',
    title: 'clear-df, fast path and queue',
    what: 'the same by `clear-df run --fast-path require`, with a queue behind a rule that finds TCP with DF and identification 0',
  },
  {
    name: 'clear-df',
    title: 'clear-df',
    what: '`clear-df run --queue 0 --gso on`, behind a rule that finds DF-set packets',
  },
  {
    name: 'clear-df-segments',
    title: 'clear-df, no GSO',
    what: 'with `--gso off`: the kernel cuts GSO packets first',
  },
  { name: 'clear-df-all', title: 'clear-df, no prefilter', what: 'behind a rule that queues every packet' },
  {
    name: 'clear-df-single',
    title: 'clear-df, one by one',
    what: 'with `--batch 1 --coalesce 0`: each packet taken and answered by itself',
  },
  { name: 'clear-df-prompt', title: 'clear-df, no pauses', what: 'with `--coalesce 0`: woken for the next packet' },
  { name: 'clear-df-2', title: 'clear-df, 2 queues', what: '`--queue 0:1` behind `--queue-balance 0:1`' },
  { name: 'clear-df-3', title: 'clear-df, 3 queues', what: '`--queue 0:2` behind `--queue-balance 0:2`' },
  { name: 'clear-df-4', title: 'clear-df, 4 queues', what: '`--queue 0:3` behind `--queue-balance 0:3`' },
  {
    name: 'article',
    title: "the article's way",
    what: 'C: one `recv`, one `nfq_handle_packet`, one verdict with the whole packet; ends at the first ENOBUFS',
  },
  {
    name: 'npm-nfqueue',
    title: 'npm nfqueue',
    what: 'the same in JavaScript, by the npm package nfqueue, which ignores ENOBUFS; receive buffer of 64 MiB',
  },
] as const satisfies readonly ContenderInfo[];

export type ContenderName = (typeof CONTENDERS)[number]['name'];

interface LoadBase {
  name: string;
  title: string;
  contenders: readonly ContenderName[];
}

/** Datagrams as fast as one core sends them, or at a share of what the contender has shown it can take. */
export interface DatagramLoad extends LoadBase {
  kind: 'datagrams';
  length: number;
  /** Source addresses. */
  flows: number;
  /** Percent of the packets that have DF set. */
  df: number;
  /** Latency is measured; at a rate of so many percent of the contender's own throughput under `of`, or all that goes. */
  latency?: { percent: number | 'full'; of: string };
}

interface StreamLoad extends LoadBase {
  kind: 'stream';
  connections: number;
  /** The sender gives every packet identification 0, and the router merges what it receives (GRO). */
  unnumbered?: true;
}

export type Load = DatagramLoad | StreamLoad;

const KERNEL: ContenderName[] = ['none', 'nft'];
const ONE_BY_ONE: ContenderName[] = ['article', 'npm-nfqueue'];
const FLOORS: ContenderName[] = ['null', 'echo'];
const OURS: ContenderName[] = ['fast-path', 'fast-path-queue', 'clear-df'];
const STREAMS: ContenderName[] = [...KERNEL, 'null', ...OURS, ...ONE_BY_ONE];
const EACH: ContenderName[] = [...KERNEL, ...FLOORS, ...OURS, ...ONE_BY_ONE];
const SCALED: ContenderName[] = ['clear-df', 'clear-df-2', 'clear-df-3', 'clear-df-4'];

const saturating = (length: number): DatagramLoad => ({
  kind: 'datagrams',
  name: `udp-${length}`,
  title: `UDP, ${length} bytes`,
  length,
  flows: 1,
  df: 100,
  contenders: [...EACH, 'clear-df-single'],
});

const paced = (name: string, title: string, percent: number | 'full'): DatagramLoad => ({
  ...saturating(1400),
  name,
  title,
  contenders: EACH,
  latency: { percent, of: 'udp-1400' },
});

/** In the order in which a round goes through them: a paced load needs what the saturating one has shown. */
export const LOADS: readonly Load[] = [
  saturating(64),
  saturating(200),
  saturating(1400),
  paced('pace-1', 'UDP, 1400 bytes, at 1 %', 1),
  paced('pace-50', 'UDP, 1400 bytes, at 50 %', 50),
  paced('pace-full', 'UDP, 1400 bytes, more than it can take', 'full'),
  {
    ...saturating(200),
    name: 'mix-90',
    title: 'UDP, 200 bytes, DF set in 10 %',
    df: 10,
    contenders: [...KERNEL, 'prefilter', ...FLOORS, ...OURS, 'clear-df-prompt', 'clear-df-all', ...ONE_BY_ONE],
  },
  {
    ...saturating(1400),
    name: 'flows-16',
    title: 'UDP, 1400 bytes, 16 sources',
    flows: 16,
    contenders: ['null', ...SCALED],
  },
  {
    kind: 'stream',
    name: 'tcp-bulk',
    title: 'TCP, one connection',
    connections: 1,
    contenders: [...STREAMS, 'clear-df-segments'],
  },
  {
    kind: 'stream',
    name: 'tcp-unnumbered',
    title: 'TCP, one connection, every packet with identification 0, merged by the router',
    connections: 1,
    unnumbered: true,
    contenders: ['none', 'null', 'fast-path-queue', 'clear-df'],
  },
  {
    kind: 'stream',
    name: 'tcp-many',
    title: 'TCP, 32 connections from 32 sources',
    connections: 32,
    contenders: [...STREAMS, 'clear-df-segments', 'clear-df-2', 'clear-df-3', 'clear-df-4'],
  },
];

/** The load that a contender which ended under `load` went through: the same, at the highest rate that it survived. */
export function survivedName(load: string): string {
  return `${load}-survived`;
}

/** The table's row for a contender. */
export function contenderInfo(name: string): ContenderInfo {
  return CONTENDERS.find((one) => one.name === name) ?? { name, title: name, what: '' };
}
