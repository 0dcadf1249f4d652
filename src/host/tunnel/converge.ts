/** Brings items in sync, one by one: journal, commands, look again. */
import { ClearDfError } from '../../errors.js';
import { type Difference, isTunnelDevice, stepOf } from '../../tunnel/difference.js';
import type { Facts } from '../../tunnel/facts.js';
import type { Command, Item } from '../../tunnel/item.js';
import type { Journal } from './journal.js';
import { formerly, removeUnwanted } from './remove-unwanted.js';
import { changedBy, standsAlone } from './reread.js';
import { recorded } from './shared.js';
import type { Change, Steps } from './steps.js';

/** An item that is made so can unmake another (a bridge takes the MTU of its ports): they are gone over so often. */
const ROUNDS = 3;

/** @param changes gets each change before it is made */
export async function converge(
  items: readonly Item[],
  difference: Difference,
  steps: Steps,
  changes: Change[],
): Promise<void> {
  const { machine, journal } = steps;
  // What no command of the plan can change need not be read again.
  const { facts } = machine;
  const parts = [...changedBy(items.flatMap((item) => [...item.apply(facts), ...item.undo(facts)]))];
  let room = false;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const pending = items.filter((item) => item.status(machine.facts).state !== 'in-sync');
    if (pending.length === 0) break;
    let unseen: Item[] = [];
    for (const item of inOrder(pending, machine.facts, difference)) {
      if (unseen.length > 0 && !standsAlone(item.kind)) {
        confirm(unseen, await machine.look(), journal);
        unseen = [];
      }
      if (!room && isTunnelDevice(item.kind)) room = await makeRoom(items, difference, steps);
      if (await applyItem(item, steps, changes, difference)) unseen.push(item);
    }
    confirm(unseen, await machine.look(parts), journal);
  }
  const left = items.find((item) => item.status(machine.facts).state !== 'in-sync');
  if (left !== undefined) throw notDone(left, machine.facts, 'another program keeps changing it back');
}

/**
 * As the plan has them, but for a table of nft that is there with the rules of the earlier version: it guards a device that
 * goes until that has gone, and the new one, which is down until later, right behind that.
 */
function inOrder(pending: readonly Item[], facts: Facts, difference: Difference): readonly Item[] {
  const goes =
    difference.unwanted.some(({ kind }) => isTunnelDevice(kind)) ||
    pending.some((item) => isTunnelDevice(item.kind) && stepOf(item, facts, difference).how === 'remake');
  const tables = pending.filter(({ kind, key }) => kind === 'nft-table' && difference.known.has(key));
  const last = pending.map(({ kind }) => isTunnelDevice(kind)).lastIndexOf(true);
  if (!goes || tables.length === 0 || last < 0) return pending;
  const others = (part: readonly Item[]) => part.filter((item) => !tables.includes(item));
  return [...others(pending.slice(0, last + 1)), ...tables, ...others(pending.slice(last + 1))];
}

/** Tunnel devices that the plan does not want go before it makes its own. @returns true */
async function makeRoom(items: readonly Item[], { unwanted }: Difference, steps: Steps): Promise<true> {
  const entries = unwanted.flatMap(({ key, kind }) => (isTunnelDevice(kind) ? (steps.journal.entry(key) ?? []) : []));
  if (entries.length === 0) return true;
  refuseStop(steps.stopping);
  const left = await removeUnwanted(entries, formerly(items, steps), steps);
  await steps.machine.look('all');
  if (left === 0) return true;
  throw new ClearDfError({
    code: 'RUNTIME',
    operation: 'change tunnel',
    object: entries.map(({ key }) => key).join(', '),
    reason: 'it could not be removed, and another tunnel device is to take its place',
    hint: 'the lines above say why; clear-df tunnel down, then up',
  });
}

/** @returns whether there was anything to do; what came of it is to be looked at before it counts as made */
async function applyItem(
  item: Item,
  { machine, journal, others = [], log, stopping }: Steps,
  changes: Change[],
  difference: Difference,
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
  const give = async (commands: readonly Command[]) => {
    for (const command of commands) {
      refuseStop(stopping);
      const { excuse } = await machine.perform(command);
      if (excuse !== undefined) log.debug(`${command.argv.join(' ')}: ${excuse}`);
    }
  };
  const step = stepOf(item, facts, difference);
  if (step.how === 'apply' || step.how === 'change') await give(step.commands);
  else if (step.how === 'remake') {
    await give(step.remove);
    await give(item.apply(await machine.look()));
  } else throw notDone(item, facts, 'it is not ours to change');
  return true;
}

/** @throws ClearDfError of the first that is not in sync although its commands succeeded */
function confirm(items: readonly Item[], facts: Facts, journal: Journal): void {
  for (const item of items) {
    if (item.status(facts).state !== 'in-sync')
      throw notDone(item, facts, 'the commands succeeded but the state did not change');
    journal.made(item.key);
  }
}

/** @throws ClearDfError that names the signal, where one has come */
export function refuseStop(stopping: Steps['stopping']): void {
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

function notDone(item: Item, facts: Facts, why: string): ClearDfError {
  const status = item.status(facts);
  return new ClearDfError({
    code: 'RUNTIME',
    operation: 'set up tunnel',
    object: item.key,
    reason: `${why}${status.state === 'in-sync' ? '' : `: ${status.observed}`}`,
    hint: 'see with --log-level debug which commands were given, and whether another program manages this device',
  });
}
