import type { CounterName } from '../counters.js';

/** The counters of packets that the rules passed unchanged, one for each reason. */
export const PASSED = [
  'alreadyClear',
  'ahPassed',
  'notIpv4',
  'malformed',
  'truncated',
  'badChecksum',
  'unfinished',
] as const satisfies readonly CounterName[];
