/** The nft tables of ours, and what is in them. */
import { ClearDfError } from '../../errors.js';
import { listedTableLine, nftJson } from '../../rules/nft-json.js';
import { isAbsent, type Runner } from '../exec.js';
import { readJson } from './json.js';

const PREFIX = 'clear_df_';

/** A line for each, as {@link listedTableLine}; undefined where nft is missing, or not allowed to look. */
export async function readTables(runner: Runner): Promise<string[] | undefined> {
  try {
    const tables = (await list(runner, 'tables')).flatMap(({ table }) => (table === undefined ? [] : [table]));
    const names = tables.filter(({ name }) => name.startsWith(PREFIX)).map(({ family, name }) => `${family} ${name}`);
    const lines = await Promise.all(names.map((name) => readTable(runner, name)));
    return lines.flatMap((line) => line ?? []);
  } catch (error) {
    if (isAbsent(error) || (error instanceof ClearDfError && error.code === 'PRIVILEGE')) return undefined;
    throw error;
  }
}

/** Undefined for one that has gone meanwhile. */
async function readTable(runner: Runner, name: string): Promise<string | undefined> {
  try {
    return listedTableLine(name, await list(runner, 'table', ...name.split(' ')));
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function list(runner: Runner, ...what: string[]) {
  const words = ['-j', 'list', ...what];
  return readJson(nftJson, await runner.query('nft', words), `nft ${words.join(' ')}`).nftables;
}
