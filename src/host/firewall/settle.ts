/** Puts back what the first rule had to change, once the last one that needs it is gone. */
import * as iptables from '../../rules/iptables.js';
import { type Runner } from '../exec.js';
import { type Contents } from './backends.js';
import { stopCallingIptables } from './bridge.js';
import { removeHollowTable } from './iptables.js';
import { joined, type Memory, recall, remember } from './memory.js';

/**
 * @param all what every backend held before the removal
 * @param holders those from which `name`'s rules were removed
 * @param ours what the run that ends has changed itself; it is put back also when its rules are gone already
 */
export async function settle(
  runner: Runner,
  all: readonly Contents[],
  holders: readonly Contents[],
  name: string,
  ours: Memory,
): Promise<void> {
  if (holders.length === 0 && Object.values(ours).every((value) => value === undefined)) return;
  const left = all.flatMap((contents) => {
    const taken = holders.includes(contents);
    return iptables
      .ownedRules(contents.save)
      .flatMap((rule) => (taken && rule.name === name ? [] : [{ rule, contents }]));
  });
  const memory = joined(ours, recall());
  if (memory.createdMangle && !left.some(({ contents }) => contents.backend === 'iptables-nft')) {
    await removeHollowTable(runner);
    memory.createdMangle = undefined;
  }
  if (
    memory.bridgeNfCallIptables !== undefined &&
    !left.some(({ rule }) => rule.words.includes('--physdev-is-bridged'))
  ) {
    await stopCallingIptables(runner);
    memory.bridgeNfCallIptables = undefined;
  }
  if (!runner.dryRun) remember(memory);
}
