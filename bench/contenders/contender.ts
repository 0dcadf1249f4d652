/** What the bench has to know of a contender; each is a file beside this one. */
import type { Rule } from '../lab/rule.js';
import type { ContenderName } from '../record/catalogue.js';

export interface Contender {
  name: ContenderName;
  /** The rule that it needs in the router. */
  rule: Rule;
  /** It clears DF; the others only pass packets on. */
  clears: boolean;
  /** Gives what it clears an identification other than 0. */
  identifies: boolean;
  /** It finishes no checksums, so that TCP from a sender that leaves them to its card does not get through. */
  datagramsOnly?: true;
  /** It ends when more comes than it can take. */
  endsInFlood?: true;
  /** None for those that live in the kernel. */
  process?: {
    /** Builds what it needs. @throws Error when that cannot be had here */
    command: () => Promise<string[]>;
    /** What it prints once it holds its queues and is idle. */
    ready: RegExp;
  };
}

/** How many queues its rule feeds: as many threads, and cores where there are. */
export function queuesOf({ rule }: Contender): number {
  return rule.kind === 'queue' ? rule.queues : 1;
}
