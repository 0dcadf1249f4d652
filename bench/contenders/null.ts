/** What NFQUEUE itself costs: headers copied, everything accepted, batch verdicts. */
import { program } from '../lab/programs.js';
import type { Contender } from './contender.js';

/** The headers that a program has to see to decide anything: IPv4 and TCP without their longest options. */
const RANGE = 64;

export const nullVerdict: Contender = {
  name: 'null',
  rule: { kind: 'queue', prefilter: true, queues: 1 },
  clears: false,
  identifies: false,
  process: { command: async () => [await program('null'), '0', String(RANGE), '1'], ready: /^ready$/m },
};
