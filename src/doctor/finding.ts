/** One line of the doctor: what was looked at, how it stands, what that rests on, what mends it. */
import { type Fix, fixText } from './fix.js';
import type { Unread } from './machine.js';

export const GROUPS = ['kernel', 'queue', 'bridge', 'tunnel', 'path', 'firewall', 'limits', 'site'] as const;
type Group = (typeof GROUPS)[number];

export type FindingState = 'ok' | 'wrong' | 'unknown';

export interface Finding {
  group: Group;
  /** Stable name for scripts: `forward-policy`. */
  check: string;
  state: FindingState;
  /** What was looked at: `queue 0`, `gretap1`. */
  what: string;
  /** What was seen and what it means. */
  evidence: string;
  /** The command that mends it, as it can be typed. */
  fix?: string;
  /** What to do, where no single command does it. */
  hint?: string;
}

/** What `doctor --fix` can run for a finding: its fix as argument lists. Beside the finding, so that JSON stays text. */
const runnable = new WeakMap<Finding, Fix>();

export function runnableFix(finding: Finding): Fix | undefined {
  return runnable.get(finding);
}

/** What mends it: commands, a command that only a person can give, a sentence. */
interface Mend {
  fix?: Fix | string | undefined;
  hint?: string | undefined;
}

/** Makes the findings of one check. */
export interface Check {
  ok(what: string, evidence: string): Finding;
  wrong(what: string, evidence: string, mend: Mend): Finding;
  unknown(what: string, evidence: string, mend?: Mend): Finding;
  /** Something that this check needs could not be read. */
  unread(what: string, reading: Unread): Finding;
}

export function checkOf(group: Group, check: string): Check {
  const make =
    (state: FindingState) =>
    (what: string, evidence: string, { fix, hint }: Mend = {}) => {
      const text = typeof fix === 'object' ? fixText(fix) : fix;
      const finding: Finding = {
        ...{ group, check, state, what, evidence },
        ...(text === undefined ? {} : { fix: text }),
        ...(hint === undefined ? {} : { hint }),
      };
      if (typeof fix === 'object') runnable.set(finding, fix);
      return finding;
    };
  const unknown = make('unknown');
  return {
    ok: make('ok'),
    wrong: make('wrong'),
    unknown,
    unread: (what, reading) => unknown(what, reading.unknown, { fix: reading.fix }),
  };
}
