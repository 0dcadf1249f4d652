/** What `clear-df bench --here` measures. Pure. */
import type { Way } from '../../capacity/fit.js';

export interface Trial {
  /** `send`: the router drops what comes; `none`: it has no rule; `clear-df`: it has the rules, and clear-df behind. */
  way: Extract<Way, 'send' | 'none' | 'clear-df'>;
  /** Bytes, IP header included. */
  length: number;
  /** Percent of the packets with DF set. */
  df: number;
  /** The model does not see it, and is judged by it. */
  heldOut?: boolean;
}

/** The rules take nothing that is shorter than the first. */
const LENGTHS = [72, 600, 1400] as const;

/** In the order in which they are run: those without clear-df first. */
export const TRIALS: readonly Trial[] = [
  ...LENGTHS.map((length): Trial => ({ way: 'send', length, df: 100 })),
  ...LENGTHS.map((length): Trial => ({ way: 'none', length, df: 100 })),
  ...LENGTHS.map((length): Trial => ({ way: 'clear-df', length, df: 0 })),
  ...LENGTHS.map((length): Trial => ({ way: 'clear-df', length, df: 100 })),
  // Little enough that the thread takes small batches, and sleeps in between: what these cost.
  { way: 'clear-df', length: 1400, df: 10 },
  { way: 'clear-df', length: 600, df: 25 },
  { way: 'clear-df', length: 72, df: 50 },
  { way: 'clear-df', length: 1000, df: 35, heldOut: true },
  { way: 'clear-df', length: 300, df: 100, heldOut: true },
];

/** A trial in words. */
export function trialText({ way, length, df }: Trial): string {
  const words = { send: 'the sender alone', none: 'no rule', 'clear-df': `clear-df, DF in ${df} %` };
  return `${words[way]}, ${length} bytes`;
}
