/** The rules of all instances as their backends show them. */
import { ClearDfError } from '../../errors.js';
import * as iptables from '../../rules/iptables.js';
import * as nft from '../../rules/nft.js';
import { ownedTables } from '../../rules/ruleset.js';
import { isAbsent, type Runner } from '../exec.js';
import { type Backend, type Contents, owners, readBackend, readBackends } from './backends.js';

/** A backend that is installed but would not tell. */
export interface Unread {
  backend: Backend;
  reason: string;
}

/** One owned rule as its backend prints it. */
export interface ListedRule {
  name: string;
  backend: Backend;
  /** `mangle OUTPUT`, or `ip clear_df_default output`. */
  chain: string;
  rule: string;
}

interface Listing {
  rules: ListedRule[];
  /** Rules of others in iptables that stand behind rules of an instance, and do not see what those queue. */
  behind: { name: string; rule: string }[];
  unread: Unread[];
}

/**
 * The rules of all instances, of one backend or over all that are installed.
 * @throws ClearDfError PRIVILEGE or ENVIRONMENT when nothing at all can be read
 */
export async function listRules(runner: Runner, backend?: Backend): Promise<Listing> {
  const all = backend === undefined ? await readBackends(runner) : await readHome(runner, backend);
  if (all.every(({ error }) => error !== undefined)) throw nothingRead(all);
  const rules = await Promise.all(all.map((contents) => listed(runner, contents)));
  const behind = all.flatMap((contents) =>
    owners(contents).flatMap((name) =>
      iptables.rulesBehind(contents.save, name).map(({ table, line }) => ({ name, rule: `${table} ${line}` })),
    ),
  );
  return { rules: rules.flat(), behind, unread: unread(all) };
}

/** A backend, and what nft holds for rules that are in iptables. @throws ClearDfError when nft is there and cannot tell */
async function readHome(runner: Runner, backend: Backend): Promise<Contents[]> {
  const home = await readBackend(runner, backend);
  if (backend === 'nft') return [home];
  const native = await readBackend(runner, 'nft');
  if (native.error !== undefined && native.error.errno !== 'ENOENT') throw native.error;
  const tables = native.tables.filter((table) => ownedTables([table]).some(({ early }) => early));
  return [home, { ...native, tables }];
}

function nothingRead(all: readonly Contents[]): ClearDfError {
  const denied = all.find(({ error }) => error?.code === 'PRIVILEGE')?.error;
  if (denied !== undefined) return denied;
  const absent = all.every(({ error }) => error?.errno === 'ENOENT');
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'read',
    object: 'rules',
    reason: all.map(({ backend, error }) => `${backend}: ${error?.reason}`).join('; '),
    hint: absent ? 'apt-get install iptables nftables' : undefined,
    cause: all[0]?.error,
  });
}

async function listed(runner: Runner, { backend, save, tables }: Contents): Promise<ListedRule[]> {
  const saved = iptables.ownedRules(save).map(({ name, table, chain, line }) => ({
    name,
    backend,
    chain: `${table} ${chain}`,
    rule: line,
  }));
  const native = ownedTables(tables).map(async ({ family, instance }) => {
    const table = nft.tableOf(family, instance);
    const text = await listing(runner, table);
    return nft
      .listedRules(text)
      .map(({ chain, rule }) => ({ name: instance, backend, chain: `${table} ${chain}`, rule }));
  });
  return [...saved, ...(await Promise.all(native)).flat()];
}

/** Empty for a table that has gone since it was seen: its owner is ending, and that is no reason to know nothing. */
async function listing(runner: Runner, table: string): Promise<string> {
  try {
    return await runner.query('nft', ['list', 'table', ...table.split(' ')]);
  } catch (error) {
    if (isAbsent(error)) return '';
    throw error;
  }
}

/** Backends that are installed and would not tell. */
export function unread(contents: readonly Contents[]): Unread[] {
  return contents.flatMap(({ backend, error }) =>
    error && error.errno !== 'ENOENT' ? [{ backend, reason: error.reason }] : [],
  );
}
