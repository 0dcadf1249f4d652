/** The rules of every backend as text. A tool that would load a module to answer is not asked: it has no rules then. */
import type { IptablesVariant, Machine, Reading } from '../../doctor/machine.js';
import type { Runner } from '../exec.js';
import { readBackend } from '../firewall/backends.js';
import type { Kernel } from './modules.js';
import { reading } from './reading.js';

type Rulesets = Pick<Machine, 'saves' | 'nftJson' | 'nftText'>;

const NO_NFT = '{"nftables": []}';
const VARIANTS: readonly IptablesVariant[] = ['iptables-legacy', 'iptables-nft'];

export async function readRulesets(runner: Runner, kernel: Kernel): Promise<Rulesets> {
  const idle = !mayAsk(kernel, 'nf_tables');
  const nft = (...words: string[]) => reading(runner.query('nft', [...words, 'list', 'ruleset']));
  const saves = VARIANTS.map(async (variant): Promise<[IptablesVariant, Reading<string>]> => {
    const silent = variant === 'iptables-nft' && idle;
    return [variant, silent ? { known: '' } : await readSave(runner, variant)];
  });
  const [nftJson, nftText] = idle ? [{ known: NO_NFT }, { known: '' }] : await Promise.all([nft('-j'), nft('-a')]);
  return { saves: new Map(await Promise.all(saves)), nftJson, nftText };
}

async function readSave(runner: Runner, variant: IptablesVariant): Promise<Reading<string>> {
  const { save, error } = await readBackend(runner, variant);
  return error === undefined ? { known: save } : reading<string>(Promise.reject(error));
}

/** Whether a netlink request for it loads no module: it is there already, or this kernel has none to load. */
export function mayAsk({ loaded, loadable }: Kernel, module: string): boolean {
  return loaded.has(module) || loadable?.has(module) !== true;
}
