/** Rules through `nft -f`: a table of our own per instance, replaced or removed in one transaction. */
import { ClearDfError } from '../../errors.js';
import * as nft from '../../rules/nft.js';
import { type ResolvedRule } from '../../rules/resolve.js';
import { type OwnedTable, ownedTables } from '../../rules/ruleset.js';
import { type Candidate, type Contents, isHome } from './backends.js';
import { addTargets } from './nft-target.js';
import { type Runner } from '../exec.js';

/**
 * Replaces the rules of the instance's table, also when they are the same already: that is atomic, and nft's listing
 * differs between versions too much to compare.
 * @throws ClearDfError CONFLICT when someone else has written rules into the table
 */
export async function install(
  runner: Runner,
  candidate: Candidate,
  name: string,
  rules: readonly ResolvedRule[],
): Promise<boolean> {
  const { means = 'expression' } = candidate;
  await runner.change('nft', ['-f', '-'], nft.installText(name, rules, own(candidate, name), means));
  if (means === 'target') await addTargets(runner, name, rules);
  return true;
}

/**
 * What rules in iptables need beside them: a chain before defragmentation; goes where they need none any more.
 * @returns why there is none, although it is needed
 * @throws ClearDfError CONFLICT when someone else has written rules into the table
 */
export async function installEarly(
  runner: Runner,
  candidate: Candidate,
  name: string,
  rules: readonly ResolvedRule[],
): Promise<string | undefined> {
  const { means, usable, reason } = candidate;
  const text = nft.earlyText(name, rules, means ?? 'expression', own(candidate, name));
  if (text === undefined || means === undefined) {
    // A table of rules has been taken away already.
    if (!isHome(candidate, name)) await remove(runner, candidate, name);
    return text === undefined || usable !== 'no' ? undefined : reason;
  }
  await runner.change('nft', ['-f', '-'], text);
  if (means === 'target') await addTargets(runner, name, rules);
  return undefined;
}

/**
 * @returns whether anything had to change
 * @throws ClearDfError CONFLICT when someone else has written rules into the table
 */
export async function remove(runner: Runner, contents: Contents, name: string): Promise<boolean> {
  const text = nft.removeText(name, families(contents, name));
  if (text === undefined) return false;
  await runner.change('nft', ['-f', '-'], text);
  return true;
}

/**
 * Takes the rules out of the instance's tables and leaves those: see nft.emptyText().
 * @throws ClearDfError CONFLICT when someone else has written rules into the table
 */
export async function empty(runner: Runner, contents: Contents, name: string): Promise<void> {
  const text = nft.emptyText(name, families(contents, name));
  if (text !== undefined) await runner.change('nft', ['-f', '-'], text);
}

function families(contents: Contents, name: string): nft.Family[] {
  return own(contents, name).map(({ family }) => family);
}

function own({ tables }: Contents, name: string): OwnedTable[] {
  return ownedTables(tables, name).map((table) => {
    if (table.strangers === 0) return table;
    throw new ClearDfError({
      code: 'CONFLICT',
      operation: 'replace',
      object: `nft table ${nft.tableOf(table.family, name)}`,
      reason: `${table.strangers} of its rules do not carry the comment clear-df:${name}`,
      hint: 'move them to a table of their own, or choose another --name',
    });
  });
}
