/** What stands in every backend's chains now, our own marks included. */
import { Rulebook } from '../../trace/rulebook.js';
import type { Runner } from '../exec.js';
import { legacyTables, orNothing } from './marks.js';

/** @throws ClearDfError PRIVILEGE without CAP_NET_ADMIN */
export async function readRulebook(runner: Runner): Promise<Rulebook> {
  const nftJson = await orNothing(runner.query('nft', ['-j', 'list', 'ruleset']));
  // Without rules that nft shows as `xt`, it has nothing to add.
  const nftSave = nftJson.includes('"xt"') ? await orNothing(runner.query('iptables-nft-save', [])) : '';
  const legacySave = legacyTables().length > 0 ? await orNothing(runner.query('iptables-legacy-save', [])) : '';
  return new Rulebook({ nftJson, nftSave, legacySave });
}
