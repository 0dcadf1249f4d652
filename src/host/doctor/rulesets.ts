/** The rules of every backend as text. A tool that would load a module to answer is not asked: it has no rules then. */
import { existsSync } from 'node:fs';
import { type IptablesVariant, type Machine, type Reading, known } from '../../doctor/machine.js';
import type { Runner } from '../exec.js';
import { readBackend } from '../firewall/backends.js';
import type { Kernel } from '../read/modules.js';
import { reading } from './reading.js';

type Rulesets = Pick<Machine, 'saves' | 'nftJson' | 'nftText'>;

const NO_NFT = '{"nftables": []}';

export async function readRulesets(runner: Runner, kernel: Kernel): Promise<Rulesets> {
  const idle = !mayAsk(kernel, 'nf_tables');
  const nft = (...words: string[]) => reading(runner.query('nft', [...words, 'list', 'ruleset']));
  const [nftJson, nftText] = idle ? [{ known: NO_NFT }, { known: '' }] : await Promise.all([nft('-j'), nft('-a')]);
  const [legacy, overNft] = await Promise.all([
    readSave(runner, 'iptables-legacy', hasNoLegacy()),
    idle ? { known: '' } : readSave(runner, 'iptables-nft', showsNoXtables(nftJson)),
  ]);
  const saves = new Map([['iptables-legacy', legacy] as const, ['iptables-nft', overNft] as const]);
  return { saves, nftJson, nftText };
}

/** @param none whether there are none for sure, should the tool not be there */
async function readSave(runner: Runner, variant: IptablesVariant, none: boolean): Promise<Reading<string>> {
  const contents = await reading(readBackend(runner, variant));
  if ('unknown' in contents) return none ? { known: '' } : contents;
  const { save, error } = contents.known;
  if (error === undefined) return { known: save };
  return none ? { known: '' } : reading<string>(Promise.reject(error));
}

/** ip_tables makes this file in every network namespace; without the module there are no tables. */
function hasNoLegacy(): boolean {
  return existsSync('/proc/net/dev') && !existsSync('/proc/net/ip_tables_names');
}

/** What iptables-nft queues, nft lists as its statement xt. */
function showsNoXtables(nftJson: Reading<string>): boolean {
  return known(nftJson)?.includes('"xt"') === false;
}

/** Whether a netlink request for it loads no module: it is there already, or this kernel has none to load. */
export function mayAsk({ loaded, loadable }: Kernel, module: string): boolean {
  return loaded.has(module) || loadable?.has(module) !== true;
}
