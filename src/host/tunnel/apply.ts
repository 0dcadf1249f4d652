/**
 * Applies a plan, item by item: journal, commands, look again. Whatever keeps it from being finished, what this run
 * has done is undone in reverse.
 */
import { ClearDfError } from '../../errors.js';
import type { Facts } from '../../tunnel/facts.js';
import { type Command, isSealing, type Item } from '../../tunnel/item.js';
import type { Site } from '../../tunnel/site/site.js';
import { NoAnswerError } from '../exec.js';
import type { Journal } from './journal.js';
import type { Machine } from './machine.js';
import { sysctlKey } from '../../tunnel/items/sysctl.js';
import { changedBy, standsAlone } from './reread.js';
import { type Others, recorded } from './shared.js';
import { undoChange } from './undo.js';

/** Where progress is logged. */
export interface TunnelLogger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface Steps {
  machine: Machine;
  journal: Journal;
  /** Of the other tunnels of this network namespace; default: there is none. */
  others?: Others;
  log: TunnelLogger;
  /** Why to stop before the next command: `SIGTERM`; undefined to go on. */
  stopping: () => string | undefined;
}

/** A change that this run has made, or begun. */
export interface Change {
  item: Item;
  /** To how this run found it; the journal's undo leads back to before the first run. */
  undo: Command[];
  /** How this run found it. */
  observed: string;
  /** Whether the journal has known it before. */
  known: boolean;
}

/** An item that is made so can unmake another (a bridge takes the MTU of its ports): they are gone over so often. */
const ROUNDS = 3;

/**
 * Refuses a plan that conflicts with objects of others.
 * @throws ClearDfError CONFLICT that names the place in the site file
 */
export function refuseConflicts(items: readonly Item[], facts: Facts, site: Pick<Site, 'file' | 'name'>): void {
  for (const item of items) {
    const status = item.status(facts);
    if (status.state !== 'conflict') continue;
    throw new ClearDfError({
      code: 'CONFLICT',
      operation: 'set up tunnel',
      object: `${site.name} (${site.file}): ${item.key}`,
      reason: status.observed,
      hint: status.hint ?? 'nothing was changed; remove it, or choose another name in the file',
    });
  }
}

/**
 * Applies every item that is not in sync.
 * @returns the changes, in order
 * @throws ClearDfError why it could not be finished; then it is as it was when this run began, or the journal knows
 *   what is left
 */
export async function applyItems(items: readonly Item[], steps: Steps): Promise<Change[]> {
  const { machine } = steps;
  const changes: Change[] = share(items, steps);
  // What no command of the plan can change need not be read again.
  const { facts } = machine;
  const parts = [...changedBy(items.flatMap((item) => [...item.apply(facts), ...item.undo(facts)]))];
  try {
    for (let round = 1; round <= ROUNDS; round += 1) {
      const open = items.filter((item) => item.status(machine.facts).state !== 'in-sync');
      if (open.length === 0) break;
      let unseen: Item[] = [];
      for (const item of open) {
        if (unseen.length > 0 && !standsAlone(item.kind)) {
          confirm(unseen, await machine.look(), steps.journal);
          unseen = [];
        }
        if (await applyItem(item, steps, changes)) unseen.push(item);
      }
      confirm(unseen, await machine.look(parts), steps.journal);
    }
    const left = items.find((item) => item.status(machine.facts).state !== 'in-sync');
    if (left !== undefined) throw undone(left, machine.facts, 'another program keeps changing it back');
  } catch (error) {
    await rollBack(changes, steps);
    // A command that was ended for the sake of the signal.
    if (error instanceof NoAnswerError) refuseStop(steps.stopping);
    throw error;
  }
  for (const item of items) steps.journal.made(item.key);
  return changes;
}

/** What another tunnel has made and this one shares is recorded first, and so undone last. */
function share(items: readonly Item[], { machine, journal, others = [] }: Steps): Change[] {
  const open = items.filter((item) => {
    return journal.entry(item.key) === undefined && item.status(machine.facts).state === 'in-sync';
  });
  const shared = open.flatMap((item) => {
    const entry = recorded(item.key, others);
    return entry === undefined ? [] : [{ item, entry }];
  });
  journal.share(shared.map(({ entry }) => entry));
  // This run has only written them down.
  return shared.map(({ item, entry }) => ({ item, undo: [], observed: entry.observed, known: false }));
}

/** @returns whether there was anything to do; what came of it is to be looked at before it counts as made */
async function applyItem(
  item: Item,
  { machine, journal, others = [], log, stopping }: Steps,
  changes: Change[],
): Promise<boolean> {
  const { facts } = machine;
  const status = item.status(facts);
  // An item that was applied before it may have had that effect too.
  if (status.state === 'in-sync') return false;
  refuseStop(stopping);
  const undo = withoutSecrets(item, item.undo(facts));
  if (!changes.some((change) => change.item === item)) {
    changes.push({ item, undo, observed: status.observed, known: journal.entry(item.key) !== undefined });
  }
  const first = recorded(item.key, others) ?? { observed: status.observed, undo };
  journal.begin({
    key: item.key,
    kind: item.kind,
    desired: item.desired,
    observed: first.observed,
    undo: [...first.undo],
  });
  log.info(`${item.desired}: ${item.reason}`);
  for (const command of item.apply(facts)) {
    refuseStop(stopping);
    const { excuse } = await machine.perform(command);
    if (excuse !== undefined) log.debug(`${command.argv.join(' ')}: ${excuse}`);
  }
  return true;
}

/** @throws ClearDfError of the first that is not in sync although its commands succeeded */
function confirm(items: readonly Item[], facts: Facts, journal: Journal): void {
  for (const item of items) {
    if (item.status(facts).state !== 'in-sync')
      throw undone(item, facts, 'the commands succeeded but the state did not change');
    journal.made(item.key);
  }
}

/** Puts back, in reverse, what this run has changed; never throws what a command says. */
export async function rollBack(changes: readonly Change[], steps: Steps): Promise<void> {
  if (changes.length === 0) return;
  const { machine, journal, log } = steps;
  log.warn(`rolling back ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}`);
  await machine.look('all').catch((error: unknown) => log.error(`the machine could not be read: ${String(error)}`));
  const made = new Set(journal.entries.filter(({ state }) => state === 'applied').map(({ key }) => key));
  const settled = (sysctl: string) => made.has(sysctlKey(sysctl));
  let sends = false;
  for (const { item, undo, observed, known } of [...changes].reverse()) {
    if (sends && isSealing(item.kind)) {
      log.error(`not rolled back: ${item.key}: frames of the tunnel device would leave unencrypted`);
      continue;
    }
    // The next one is put back whatever becomes of this one, also where the journal cannot be written any more.
    try {
      const failure = await undoChange({ key: item.key, undo, observed, item, certain: false, settled }, machine, log);
      if (failure !== undefined) {
        log.error(`not rolled back: ${item.key}: ${failure}`);
        sends ||= item.kind === 'gretap';
      } else if (!known) journal.drop(item.key);
    } catch (error) {
      if (!(error instanceof ClearDfError)) throw error;
      log.error(`perhaps not rolled back: ${item.key}: ${error.message}`);
    }
  }
  if (journal.entries.length === 0) journal.remove();
  else log.warn(`the journal keeps ${journal.entries.length} changes for clear-df tunnel down`);
}

function refuseStop(stopping: Steps['stopping']): void {
  const signal = stopping();
  if (signal === undefined) return;
  throw new ClearDfError({
    code: 'RUNTIME',
    operation: 'set up tunnel',
    reason: `interrupted by ${signal}`,
    hint: 'what this run had changed is put back; run it again',
  });
}

/** The journal is no place for keys. */
function withoutSecrets(item: Item, undo: Command[]): Command[] {
  if (undo.every(({ shown }) => shown === undefined)) return undo;
  throw new Error(`the undo of ${item.key} holds secrets, and a journal must not`);
}

function undone(item: Item, facts: Facts, why: string): ClearDfError {
  const status = item.status(facts);
  return new ClearDfError({
    code: 'RUNTIME',
    operation: 'set up tunnel',
    object: item.key,
    reason: `${why}${status.state === 'in-sync' ? '' : `: ${status.observed}`}`,
    hint: 'see with --log-level debug which commands were given, and whether another program manages this device',
  });
}
