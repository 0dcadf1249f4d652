/**
 * `clear-df doctor --fix`: runs what mends a finding, looks again, and takes back what did not help or made something
 * else wrong. One at a time, so that each is judged separately.
 */
import type { Finding } from '../doctor/finding.js';
import { runnableFix } from '../doctor/finding.js';
import { type Fix, fixText, type Words } from '../doctor/fix.js';
import { NoAnswerError, type Runner } from '../host/exec.js';

export type FixAnswer = 'yes' | 'no' | 'quit';

export interface FixOptions {
  /** Reads the machine and judges it. */
  look: () => Promise<readonly Finding[]>;
  /** Under dry run nothing is changed, and nobody asked. */
  runner: Runner;
  /** Whether this one is to be run. */
  ask: (finding: Finding) => Promise<FixAnswer>;
  /** What became of it, a line each. */
  say: (line: string) => void;
  /** Aborted: what has just been run is taken back, and no more is run. */
  stop: AbortSignal;
}

export interface FixOutcome {
  /** Runs that helped, were taken back, failed, and those that nobody wanted. */
  mended: number;
  undone: number;
  failed: number;
  declined: number;
  /** As they are at the end. */
  findings: readonly Finding[];
}

/** Mends what it can, in the order of the findings. @throws ClearDfError when the machine cannot be read */
export async function fixFindings(options: FixOptions): Promise<FixOutcome> {
  const { look, ask, runner, stop } = options;
  const outcome: FixOutcome = { mended: 0, undone: 0, failed: 0, declined: 0, findings: await look() };
  const tried = new Set<string>();
  for (;;) {
    const finding = outcome.findings.find((one) => isMendable(one) && !tried.has(attemptOf(one)));
    if (finding === undefined || stop.aborted) return outcome;
    tried.add(attemptOf(finding));
    const answer = await ask(finding);
    if (answer === 'quit' || stop.aborted) return outcome;
    if (answer === 'no') outcome.declined += 1;
    else if (runner.dryRun) for (const words of runnableFix(finding)?.commands ?? []) await change(runner, words);
    else outcome[await mend(finding, outcome, options)] += 1;
  }
}

/** What is wrong and has commands of its own: an unknown may be right as it is. */
export function isMendable(finding: Finding): boolean {
  return finding.state === 'wrong' && runnableFix(finding) !== undefined;
}

/** A finding may ask for one thing after the other, a VLAN and the next, but not for the same again. */
function attemptOf(finding: Finding): string {
  return `${keyOf(finding)} ${finding.fix ?? ''}`;
}

function keyOf({ group, check, what }: Finding): string {
  return `${group} ${check} ${what}`;
}

/** Runs one, and leaves in `outcome` how the machine is then. */
async function mend(
  finding: Finding,
  outcome: FixOutcome,
  { look, runner, say, stop }: FixOptions,
): Promise<'mended' | 'undone' | 'failed'> {
  const fix = runnableFix(finding) as Fix;
  const before = outcome.findings;
  const printed: string[] = [];
  try {
    for (const words of fix.commands) printed.push(await change(runner, words));
  } catch (error) {
    // A command that was ended may have done its work.
    const touched = printed.length > 0 || error instanceof NoAnswerError;
    const back = touched ? await takeBack(fix, printed, runner) : undefined;
    say(`failed: ${(error as Error).message}; ${touched ? (back ?? 'taken back') : 'nothing was changed'}`);
    outcome.findings = await look();
    return 'failed';
  }
  let verdict: string | undefined;
  try {
    outcome.findings = await look();
    verdict = stop.aborted ? `${String(stop.reason)} came` : whyNot(finding, before, outcome.findings);
  } catch (error) {
    verdict = `the machine cannot be looked at: ${(error as Error).message}`;
  }
  if (verdict === undefined) {
    say('mended');
    return 'mended';
  }
  say(`${(await takeBack(fix, printed, runner)) ?? 'taken back'}: ${verdict}`);
  outcome.findings = await look();
  return 'undone';
}

/** Why it must not stay; undefined when it may. */
function whyNot(finding: Finding, before: readonly Finding[], after: readonly Finding[]): string | undefined {
  const knew = (what: string) => before.some((one) => one.state === 'unknown' && one.what === what);
  const same = after.find((one) => keyOf(one) === keyOf(finding));
  // One VLAN less is missing: the next is another fix.
  if (same?.state === 'wrong' && same.fix === finding.fix) return 'it did not help';
  // What could not be read stands in the place of what would have been judged.
  const unread = after.find(({ group, state, what }) => state === 'unknown' && group === finding.group && !knew(what));
  const blind = same?.state === 'unknown' ? same : same === undefined ? unread : undefined;
  if (blind !== undefined) return `whether it helped is not known: ${blind.what}: ${blind.evidence}`;
  const wrongBefore = new Set(before.filter(({ state }) => state === 'wrong').map(keyOf));
  const worse = after.find((one) => one.state === 'wrong' && !wrongBefore.has(keyOf(one)));
  return worse === undefined ? undefined : `it made something else wrong: ${worse.what}: ${worse.evidence}`;
}

/** @returns undefined when all is as before, else what is left to do */
async function takeBack(fix: Fix, printed: readonly string[], runner: Runner): Promise<string | undefined> {
  const undo = fix.undo(printed);
  if ('look' in undo) return `NOT TAKEN BACK (it has not said what it made); see ${fixText({ commands: [undo.look] })}`;
  for (const words of undo) {
    try {
      await change(runner, words);
    } catch (error) {
      return `NOT TAKEN BACK (${(error as Error).message}); by hand: ${fixText({ commands: [words] })}`;
    }
  }
  return undefined;
}

function change(runner: Runner, [command, ...args]: Words): Promise<string> {
  return runner.change(command, args);
}
