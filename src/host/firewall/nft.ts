/** Rules through `nft -f`: a table of our own per instance, replaced or removed in one transaction. */
import { ClearDfError } from '../../errors.js';
import * as nft from '../../rules/nft.js';
import { type ResolvedRule } from '../../rules/resolve.js';
import { ownedTables } from '../../rules/ruleset.js';
import { type Candidate, type Contents, isHome } from './backends.js';
import { addTargets } from './nft-target.js';
import { type Runner } from '../exec.js';

/**
 * Replaces the instance's table, also when it is the same already: that is atomic, and nft's listing
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
  await runner.change('nft', ['-f', '-'], nft.installText(name, rules, families(candidate, name), means));
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
  const text = nft.earlyText(name, rules, means ?? 'expression');
  if (text === undefined || means === undefined) {
    // A table of rules has been taken away already.
    if (!isHome(candidate, name)) await remove(runner, candidate, name);
    return text === undefined || usable !== 'no' ? undefined : reason;
  }
  families(candidate, name);
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

function families({ tables }: Contents, name: string): nft.Family[] {
  return ownedTables(tables, name).map(({ family, strangers }) => {
    if (strangers === 0) return family;
    throw new ClearDfError({
      code: 'CONFLICT',
      operation: 'replace',
      object: `nft table ${nft.tableOf(family, name)}`,
      reason: `${strangers} of its rules do not carry the comment clear-df:${name}`,
      hint: 'move them to a table of their own, or choose another --name',
    });
  });
}
