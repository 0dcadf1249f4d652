/**
 * What a path carries, found with echo requests: which packets are sent in which order, and what follows from what
 * comes back. Lengths are those of IPv4 packets in bytes, header included.
 */
import type { Answer } from '../tunnel/enums.js';
import type { NativeProbeResult } from '../native.js';

/** Large enough for any header, smaller than any IPv4 MTU (68 bytes, RFC 791). */
export const SMALL_BYTES = 64;
export const BYTES_MAX = 65_535;
const HEADER = 20;
/** How often a size that passed after all starts the search again. */
const ROUNDS = 4;

/** Echo requests of one kind; `first`: enough as soon as one is answered. */
export interface Question {
  bytes: number;
  dontFragment: boolean;
  /** Bytes of the fragments that it is cut into; 0: sent whole. */
  fragmentBytes: number;
  first: boolean;
}

/** Asks the path, several tries of one question. */
export type Send = (question: Question) => Promise<NativeProbeResult[]>;

type ProbeTest = 'small' | 'full size' | 'largest' | 'one more' | 'fragments out' | 'fragments back';

/** A complaint, once for all tries that it was said to. */
export type Complaint = Pick<NativeProbeResult, 'outcome' | 'from' | 'mtu' | 'type' | 'code' | 'errno'>;

/** What came of all tries of one test. */
export interface ProbeRow {
  test: ProbeTest;
  bytes: number;
  dontFragment: boolean;
  /** Into how many fragments each request was cut; 1: whole. */
  pieces: number;
  sent: number;
  answered: number;
  /** No answer in time, and no complaint either. */
  lost: number;
  /** Milliseconds, the mean of the answers. */
  roundTrip?: number;
  /** Bytes of the largest fragment in which an answer came; 0: all came whole. */
  answerFragment: number;
  complaints: Complaint[];
}

/** What keeps packets from being larger than the largest. */
type Limit =
  | { by: 'router'; from: string }
  | { by: 'host'; mtu: number; errno: number }
  | { by: 'unreachable'; from: string }
  /** A PMTU black hole: the packet is dropped and no ICMP is sent. */
  | { by: 'silence' }
  /** IPv4 has no larger packets. */
  | { by: 'protocol' };

export interface ProbeFindings {
  size: number;
  /** `unknown`: not even a small packet was answered, and then everything else is unknown too. */
  reachable: Exclude<Answer, 'no'>;
  /** Whether packets of `size` bytes with DF pass there and back. */
  fullSize: Answer;
  /** Whether packets of `size` bytes come back whole; `unknown` when none got an answer. */
  fullSizeBack: Answer;
  /** The largest packet with DF that is answered. */
  largest?: number;
  limit?: Limit;
  fragments: { out: Answer; back: Answer };
  /** All requests, those of the search included. */
  packets: { sent: number; lost: number };
  rows: ProbeRow[];
}

const passes = (row: ProbeRow): boolean => row.answered > 0;

/** @param size what is to pass with DF, 68–65535 bytes */
export async function probePath(send: Send, size: number): Promise<ProbeFindings> {
  const asked = new Asked(send);
  const small = await asked.row('small', SMALL_BYTES);
  const findings: ProbeFindings = {
    size,
    reachable: passes(small) ? 'yes' : 'unknown',
    fullSize: 'unknown',
    fullSizeBack: 'unknown',
    fragments: { out: 'unknown', back: 'unknown' },
    packets: asked.packets,
    rows: [small],
  };
  if (!passes(small)) return findings;
  const full = await asked.row('full size', size);
  findings.rows.push(full);
  const { largest, oneMore } = await findLargest(asked, full);
  findings.largest = largest;
  if (largest !== full.bytes || !passes(full)) findings.rows.push(await asked.row('largest', largest));
  if (oneMore !== undefined) findings.rows.push(oneMore);
  findings.limit = limitOf(largest, oneMore, asked);
  await askFragments(asked, findings, largest);
  const whole = asked.wholeAnswer(size);
  findings.fullSizeBack = whole;
  findings.fullSize = largest >= size && whole !== 'no' ? 'yes' : 'no';
  return findings;
}

/** A search that heeds what routers and this host tell; a size that passes after all starts it again. */
async function findLargest(asked: Asked, full: ProbeRow): Promise<{ largest: number; oneMore?: ProbeRow }> {
  let low = passes(full) ? full.bytes : SMALL_BYTES;
  let high = passes(full) ? BYTES_MAX + 1 : full.bytes;
  // Above what was asked for, this host's own device mostly says at once how far it goes.
  let hint = passes(full) ? BYTES_MAX : asked.hint;
  let oneMore: ProbeRow | undefined;
  for (let round = 0; round < ROUNDS && low < BYTES_MAX; round++) {
    for (let top = high; top - low > 1;) {
      const bytes = nextSize(low, top, hint);
      const answered = await asked.size(bytes);
      if (answered) low = bytes;
      else top = bytes;
      hint = asked.hint ?? hint;
    }
    if (low === BYTES_MAX) return { largest: low };
    oneMore = await asked.row('one more', low + 1);
    if (!passes(oneMore)) break;
    low += 1;
    if (low >= high) high = BYTES_MAX + 1;
  }
  return oneMore === undefined ? { largest: low } : { largest: low, oneMore };
}

/** Between a size that passes and one that does not: the MTU that was reported, then one byte more, else the middle. */
function nextSize(low: number, high: number, hint: number | undefined): number {
  if (hint !== undefined && hint > low && hint < high) return hint;
  return hint === low ? low + 1 : Math.floor((low + high) / 2);
}

/** A router that limits the rate of its ICMP reports only sometimes: it counts when it has reported exactly this much. */
function limitOf(largest: number, oneMore: ProbeRow | undefined, asked: Asked): Limit {
  if (oneMore === undefined) return { by: 'protocol' };
  const said = oneMore.complaints.find(({ outcome }) => outcome === 'frag-needed') ?? oneMore.complaints[0];
  if (said?.outcome === 'refused') return { by: 'host', mtu: said.mtu, errno: said.errno };
  if (said?.outcome === 'frag-needed') return { by: 'router', from: said.from };
  const told = asked.tellers.get(largest);
  if (told !== undefined) return { by: 'router', from: told };
  return said?.outcome === 'unreachable' ? { by: 'unreachable', from: said.from } : { by: 'silence' };
}

/**
 * Out: a request that would pass whole, in two fragments; its answer comes whole. Back: a request so large that its
 * answer cannot come whole, in fragments that fit.
 */
async function askFragments(asked: Asked, findings: ProbeFindings, largest: number): Promise<void> {
  const bytes = Math.min(largest, findings.size);
  const half = HEADER + Math.ceil((bytes - HEADER) / 2 / 8) * 8;
  const out = await asked.row('fragments out', bytes, half);
  findings.rows.push(out);
  findings.fragments.out = passes(out) ? 'yes' : 'no';
  if (passes(out)) {
    const back = await asked.row('fragments back', Math.min(2 * largest, BYTES_MAX), largest);
    findings.rows.push(back);
    // An answer that came whole says nothing of fragments.
    findings.fragments.back = passes(back) ? 'unknown' : 'no';
  }
  if (findings.rows.some(({ answerFragment }) => answerFragment > 0)) findings.fragments.back = 'yes';
}

/** All that was asked, and what was learnt besides the answers. */
class Asked {
  readonly packets = { sent: 0, lost: 0 };
  /** Who reported which next-hop MTU. */
  readonly tellers = new Map<number, string>();
  /** The MTU that the last ICMP error reported, when it can be true. */
  hint: number | undefined;
  readonly #whole = new Map<number, boolean>();

  constructor(private readonly send: Send) {}

  /** Whether a packet of this size with DF is answered. */
  async size(bytes: number): Promise<boolean> {
    const results = await this.#ask({ bytes, dontFragment: true, fragmentBytes: 0, first: true });
    return results.some(({ outcome }) => outcome === 'answered');
  }

  /** @param fragmentBytes cuts the request into fragments of at most this many, DF clear; 0: whole, DF set */
  async row(test: ProbeTest, bytes: number, fragmentBytes = 0): Promise<ProbeRow> {
    const question = { bytes, dontFragment: fragmentBytes === 0, fragmentBytes, first: false };
    const results = await this.#ask(question);
    const answers = results.filter(({ outcome }) => outcome === 'answered');
    const sum = answers.reduce((total, { roundTrip }) => total + roundTrip, 0);
    return {
      test,
      bytes,
      dontFragment: question.dontFragment,
      pieces: piecesOf(bytes, fragmentBytes),
      sent: results.length,
      answered: answers.length,
      lost: results.filter(({ outcome }) => outcome === 'lost').length,
      ...(answers.length === 0 ? {} : { roundTrip: sum / answers.length }),
      answerFragment: Math.max(0, ...answers.map(({ fragment }) => fragment)),
      complaints: complaintsIn(results),
    };
  }

  /** Whether answers of this size came whole. */
  wholeAnswer(bytes: number): Answer {
    const whole = this.#whole.get(bytes);
    return whole === undefined ? 'unknown' : whole ? 'yes' : 'no';
  }

  async #ask(question: Question): Promise<NativeProbeResult[]> {
    const results = await this.send(question);
    this.hint = undefined;
    for (const { outcome, mtu, from, fragment } of results) {
      this.packets.sent += 1;
      if (outcome === 'lost') this.packets.lost += 1;
      if (outcome === 'answered' && question.dontFragment) this.#whole.set(question.bytes, fragment === 0);
      if (outcome === 'frag-needed') this.tellers.set(mtu, from);
      // Anyone may write anything into an ICMP message.
      if (mtu > SMALL_BYTES && mtu < question.bytes) this.hint = mtu;
    }
    return results;
  }
}

function piecesOf(bytes: number, fragmentBytes: number): number {
  if (fragmentBytes === 0) return 1;
  return Math.ceil((bytes - HEADER) / (Math.floor((fragmentBytes - HEADER) / 8) * 8));
}

function complaintsIn(results: readonly NativeProbeResult[]): Complaint[] {
  const distinct = new Map<string, Complaint>();
  for (const { outcome, from, mtu, type, code, errno } of results) {
    if (outcome !== 'frag-needed' && outcome !== 'unreachable' && outcome !== 'refused') continue;
    distinct.set([outcome, from, mtu, type, code, errno].join(), { outcome, from, mtu, type, code, errno });
  }
  return [...distinct.values()];
}
