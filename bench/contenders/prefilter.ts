/** The rule that finds packets with DF set, and nothing behind it. */
import type { Contender } from './contender.js';

export const prefilter: Contender = {
  name: 'prefilter',
  rule: { kind: 'prefilter' },
  clears: false,
  identifies: false,
};
