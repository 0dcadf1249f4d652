/** Associations with static keys, when the file has been edited. */
import { ClearDfError } from '../../errors.js';
import type { Journal } from '../../host/tunnel/journal.js';
import type { Facts } from '../../tunnel/facts.js';
import type { Plan } from '../../tunnel/plan.js';

/**
 * The same association with other parameters: the kernel would have it deleted first, and begin to count anew, which
 * with AES-GCM gives the keys away.
 * @throws ClearDfError CONFLICT that asks for new keys
 */
export function refuseUsedKeys({ items, site }: Plan, journal: Journal, facts: Facts): void {
  const used = items.find(
    (item) =>
      item.kind === 'xfrm-state' && journal.entry(item.key) !== undefined && item.status(facts).state === 'conflict',
  );
  const status = used?.status(facts);
  if (used === undefined || status?.state !== 'conflict') return;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: 'set up tunnel',
    object: `${site.name} (${site.file}): ${used.key}`,
    reason: `it is in use otherwise (${status.observed}), and an association that is created again needs new keys (RFC 4106 §3)`,
    hint:
      'nothing was changed; name a new key file in carrier.keys, clear-df tunnel keys FILE writes it, copy it to the ' +
      'other end, and clear-df tunnel up FILE on both',
  });
}
