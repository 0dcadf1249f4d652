/** `clear-df tunnel down`: ends the mangler, then undoes the changes of the journal, the last one first. */
import { ClearDfError } from '../../errors.js';
import { askingOnce } from '../../host/ask-once.js';
import { createRunner, type Runner } from '../../host/exec.js';
import { removeRules, type RemoveResult } from '../../host/firewall.js';
import { owners, readBackends } from '../../host/firewall/backends.js';
import { feedText, liveFeeds } from '../../host/firewall/feeds.js';
import { underRulesLock } from '../../host/firewall/lock.js';
import { Journal } from '../../host/tunnel/journal.js';
import type { Lock } from '../../host/lock.js';
import { takeTunnelLock } from '../../host/tunnel/paths.js';
import { openMachine } from '../../host/tunnel/machine.js';
import { type Others, userOf } from '../../host/tunnel/shared.js';
import { takeDown } from '../../host/tunnel/take-down.js';
import { takeChangeLock } from '../../host/tunnel/change-lock.js';
import { abilitiesOf, othersOf, plannedAgain, siteIfAny, unproven } from '../../host/tunnel/open.js';
import type { Logger } from '../../log.js';
import { commandText } from '../../tunnel/plan-text.js';
import { endMangler, runningMangler } from './mangler.js';

/** What taking down works with. */
interface Tools {
  runner: Runner;
  log: Logger;
  force: boolean;
  /** Nothing has been changed until this is called. */
  begin: () => void;
}

interface DownOptions {
  name: string;
  /** Take the rules away although some live process depends on them. */
  force: boolean;
  dryRun: boolean;
  /** Ends it until the first change is undone; from then on it ends whole, with a limit of seconds for each command. */
  stop?: AbortSignal | undefined;
}

/**
 * Takes a tunnel down; one that is not up is fine.
 * @throws ClearDfError CONFLICT when a live process that is not the tunnel's own needs its rules; RUNTIME when
 *   something could not be put back, and then the journal keeps it
 */
export async function tunnelDown({ name, force, dryRun, stop }: DownOptions, log: Logger): Promise<void> {
  let undoing = false;
  const runner = createRunner({ log, dryRun, stop, finishing: () => undoing });
  const lock = dryRun ? undefined : takeTunnelLock(name);
  let turn: Lock | undefined;
  try {
    turn = dryRun ? undefined : await takeChangeLock(log, stop);
    const journal = Journal.read(name);
    if (journal === undefined) {
      log.info(`tunnel ${name} is not up: nothing to do`);
      return;
    }
    if (!journal.proven) log.warn(unproven(name));
    if (dryRun) showWayBack(journal, othersOf(name, false, log));
    else await takeAllDown(journal, { runner, log, force, begin: () => void (undoing = true) });
  } finally {
    turn?.release();
    lock?.release();
  }
}

async function takeAllDown(journal: Journal, tools: Tools): Promise<void> {
  const { name } = journal;
  const { runner, log, force } = tools;
  const others = othersOf(name, !force, log);
  const machine = await openMachine(runner, siteIfAny(journal), log, abilitiesOf(journal));
  const plan = plannedAgain(journal, machine.facts, (reason) =>
    log.warn(`everything is put back unseen, because the plan cannot be made any more: ${reason}`),
  );
  if (await endRules(journal, tools)) await machine.look('all');
  const { undone, failed } = await takeDown(plan?.items ?? [], { machine, journal, others, log });
  for (const { key, reason } of failed) log.error(`not put back: ${key}: ${reason}`);
  if (failed.length === 0) {
    log.info(`tunnel ${name} is down: ${undone.length} ${undone.length === 1 ? 'change' : 'changes'} put back`);
    return;
  }
  throw new ClearDfError({
    code: 'RUNTIME',
    operation: 'take down tunnel',
    object: name,
    reason: `${failed.length} of ${failed.length + undone.length} changes could not be put back: ${failed[0]?.key}`,
    hint: 'put them back by hand (the journal keeps their commands: --dry-run prints them), or run this again',
  });
}

const NONE_LEFT: RemoveResult = { removedFrom: [], unread: [], notes: [] };

/**
 * The mangler takes its rules with it; those of one that was killed are removed here.
 * @returns whether there were any of the two
 */
async function endRules(journal: Journal, { runner, log, force, begin }: Tools): Promise<boolean> {
  const { name } = journal;
  // What was ended while it looked at the machine is no ground to judge by.
  refuseStopped(name, runner.stop);
  const ended = await endMangler(journal, log, runner.stop);
  begin();
  const { removedFrom, unread, notes } = await underRulesLock(runner, log, () => removeLeftOver(runner, name, force));
  for (const note of notes) log.warn(note);
  if (removedFrom.length > 0)
    log.info(`rules of ${name} that were left over are removed from ${removedFrom.join(', ')}`);
  for (const { backend, reason } of unread) log.warn(`rules of ${backend} are not known, some may be left: ${reason}`);
  return ended || removedFrom.length > 0;
}

/** Removes what is left of an instance's rules; each backend is read once. @throws ClearDfError CONFLICT, unless `force` */
export async function removeLeftOver(runner: Runner, name: string, force: boolean): Promise<RemoveResult> {
  const looking = askingOnce(runner);
  const backends = await readBackends(looking);
  if (backends.every((one) => one.error === undefined && owners(one, name).length === 0)) return NONE_LEFT;
  if (!force) await refuseLiveFeeds(looking, name);
  return removeRules(looking, name);
}

function refuseStopped(name: string, stop: AbortSignal | undefined): void {
  if (stop?.aborted !== true) return;
  const reason = `${String(stop.reason)} came before anything was put back`;
  const hint = 'run this again';
  throw new ClearDfError({ code: 'RUNTIME', operation: 'take down tunnel', object: name, reason, hint });
}

async function refuseLiveFeeds(runner: Runner, name: string): Promise<void> {
  const [feed] = await liveFeeds(runner, name);
  if (feed === undefined) return;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: 'take down tunnel',
    object: name,
    reason: feedText(feed),
    hint: 'stop that process, or take the tunnel down anyway with --force',
  });
}

/** The commands that would be given, as far as each thing is still as it was made. */
function showWayBack(journal: Journal, others: Others): void {
  const running = runningMangler(journal);
  if (running !== undefined) process.stdout.write(`kill -TERM ${running.pid}\n`);
  process.stdout.write(`clear-df rules remove --name ${journal.name}\n`);
  for (const { key, desired, undo } of [...journal.entries].reverse()) {
    if (undo.length === 0) continue;
    const user = userOf(key, others);
    if (user !== undefined) {
      process.stdout.write(`# stays, tunnel ${user} uses it: ${desired}\n`);
      continue;
    }
    process.stdout.write(`# no longer: ${desired}\n${undo.map((command) => `${commandText(command)}\n`).join('')}`);
  }
}
