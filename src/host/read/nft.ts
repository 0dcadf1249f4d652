/** The nft tables that tunnels of ours have made. */
import { ClearDfError } from '../../errors.js';
import { nftJson } from '../../rules/nft-json.js';
import { isAbsent, type Runner } from '../exec.js';
import { readJson } from './json.js';

const PREFIX = 'clear_df_';

/** As `bridge clear_df_NAME`; undefined where nft is missing, or not allowed to look. */
export async function readTables(runner: Runner): Promise<string[] | undefined> {
  try {
    const { nftables } = readJson(nftJson, await runner.query('nft', ['-j', 'list', 'tables']), 'nft -j list tables');
    const tables = nftables.flatMap(({ table }) => (table === undefined ? [] : [table]));
    return tables.filter(({ name }) => name.startsWith(PREFIX)).map(({ family, name }) => `${family} ${name}`);
  } catch (error) {
    if (isAbsent(error) || (error instanceof ClearDfError && error.code === 'PRIVILEGE')) return undefined;
    throw error;
  }
}
