/** Every counter of the fast path once, in the order of `CDF_FAST_COUNTERS` in `csrc/fastpath/layout.h`. */

/** Those that sort packets: each packet that the program sees raises exactly one of them. */
const FAST_RESULTS = {
  cleared: 'DF cleared.',
  alreadyClear: 'Left alone: DF was clear.',
  fits: 'Left alone: no longer than asked for, or the route can carry it.',
  notMatched: 'Left alone: other addresses, protocol or port.',
  leftQuic: 'Left alone: UDP from or to port 443.',
  leftForQueue:
    'Left alone for the queue: TCP with identification 0, which packets merged on receipt (GRO) may all have carried.',
  ahPassed: 'Left alone: AH authenticates an identification of 0.',
  notIpv4: 'Left alone: not IPv4.',
  malformed: 'Left alone: not a sound IPv4 header.',
  badChecksum: 'Left alone: the header checksum was wrong on arrival.',
  failed: 'Left alone: the kernel had no memory for the edit.',
} as const;

/** What else is counted, of packets that are cleared. */
export const FAST_DETAILS = {
  fragments: 'Of those cleared, fragments, whose identification was kept.',
  gso: 'Of those cleared, GSO packets, which the kernel segments later.',
  identifications: 'Identifications given out, one for each segment of a GSO packet.',
  longRuns: 'Of those cleared, GSO packets of more than 128 segments, the last of which share identifications.',
} as const;

export const FAST_COUNTERS = { ...FAST_RESULTS, ...FAST_DETAILS };

type FastResult = keyof typeof FAST_RESULTS;
export type FastCounter = keyof typeof FAST_COUNTERS;

export const FAST_RESULT_NAMES = Object.keys(FAST_RESULTS) as FastResult[];
/** Names in the order of the native block. */
export const FAST_COUNTER_NAMES = Object.keys(FAST_COUNTERS) as FastCounter[];

/** One reading. `packets` is the sum of the results. */
export type FastCounters = Record<FastCounter, number> & { packets: number };

/** The native block as named numbers. */
export function fromFastBlock(block: BigUint64Array): FastCounters {
  const counters = Object.fromEntries(FAST_COUNTER_NAMES.map((name, i) => [name, Number(block[i] ?? 0n)])) as Record<
    FastCounter,
    number
  >;
  return { packets: FAST_RESULT_NAMES.reduce((sum, name) => sum + counters[name], 0), ...counters };
}
