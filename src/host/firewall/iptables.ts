/** Rules through `iptables-restore`, legacy or nft variant: one transaction to add them, one to remove them. */
import { ClearDfError } from '../../errors.js';
import * as iptables from '../../rules/iptables.js';
import { type ResolvedRule } from '../../rules/resolve.js';
import { isHollow, readRuleset } from '../../rules/ruleset.js';
import { type Contents, type IptablesBackend } from './backends.js';
import { type Runner } from '../exec.js';

/** Seconds to wait for another program that holds the legacy variant's lock. */
const LOCK_WAIT = 5;

/** @returns whether anything had to change */
export async function install(
  runner: Runner,
  backend: IptablesBackend,
  { save }: Contents,
  name: string,
  rules: readonly ResolvedRule[],
): Promise<boolean> {
  return restore(runner, backend, iptables.installText(save, name, rules));
}

/** @returns whether anything had to change */
export async function remove(
  runner: Runner,
  backend: IptablesBackend,
  { save }: Contents,
  name: string,
): Promise<boolean> {
  return restore(runner, backend, iptables.removeText(save, name));
}

/** Makes an instance's rules the last of their chains again. @returns whether anything had to change */
export async function putLast(
  runner: Runner,
  backend: IptablesBackend,
  { save }: Contents,
  name: string,
): Promise<boolean> {
  return restore(runner, backend, iptables.lastText(save, name));
}

/** Gives an instance the rules again that it had in `before`: for a change whose later step failed. */
export async function putBack(runner: Runner, backend: IptablesBackend, before: Contents, name: string): Promise<void> {
  const save = await runner.query(`${backend}-save`, []);
  await restore(runner, backend, iptables.putBackText(save, before.save, name));
}

async function restore(runner: Runner, backend: IptablesBackend, text: string | undefined): Promise<boolean> {
  if (text === undefined) return false;
  const wait = backend === 'iptables-legacy' ? [`--wait=${LOCK_WAIT}`] : [];
  await runner.change(`${backend}-restore`, ['--noflush', ...wait], text);
  return true;
}

/**
 * Removes iptables-nft's mangle table when nothing but empty, accepting base chains is left in it.
 * Each chain is deleted in a transaction of its own first: one that has got a rule meanwhile makes the whole
 * transaction fail, and the rule stays. The legacy variant's tables cannot be removed at all.
 */
export async function removeHollowTable(runner: Runner): Promise<void> {
  if (runner.dryRun) return;
  try {
    const tables = readRuleset(await runner.query('nft', ['-j', 'list', 'ruleset']));
    const table = tables.find(({ family, name }) => family === 'ip' && name === iptables.TABLE);
    if (!table || !isHollow(table)) return;
    const chains = table.chains.map(({ name }) => `delete chain ip ${iptables.TABLE} ${name}`);
    await runner.change('nft', ['-f', '-'], [...chains, `delete table ip ${iptables.TABLE}`, ''].join('\n'));
  } catch (error) {
    // Without nft, or with a rule that has just come, the empty table stays; it does nothing.
    if (!(error instanceof ClearDfError)) throw error;
  }
}
