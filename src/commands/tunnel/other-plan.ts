/**
 * A tunnel that is up from another version of its file. Most differences need a `down` in between. New keys, and UDP
 * around ESP or not, do not: the new associations come beside the old ones, the policies stay, and then the old ones
 * go. At no moment can a frame leave unencrypted.
 */
import { ClearDfError } from '../../errors.js';
import type { Facts } from '../../tunnel/facts.js';
import type { Plan } from '../../tunnel/plan.js';
import type { Entry, Journal } from '../../host/tunnel/journal.js';

/**
 * What an earlier plan made and this one does not know: it would be nobody's.
 * @param switching whether associations may be left over, because they are taken away at the end
 * @returns the entries to take away
 * @throws ClearDfError CONFLICT when there are some that have to be taken away before
 */
export function refuseOtherPlan(plan: Plan, journal: Journal, switching: boolean): Entry[] {
  const stale = journal.entries.filter(
    ({ key, undo }) => undo.length > 0 && !plan.items.some((item) => item.key === key),
  );
  const [other] = stale;
  if (other === undefined) return [];
  // A site that is no longer named: nothing but its own entry goes.
  if (stale.every(({ kind }) => kind === 'vxlan-site')) return stale;
  const onlyStates = stale.every(({ kind }) => kind === 'xfrm-state') && wantsStates(plan);
  if (onlyStates && switching) return stale;
  const { name, file } = plan.site;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: 'set up tunnel',
    object: `${name} (${file})`,
    reason: `it is up, or half up, from another version of the file, which wanted: ${other.desired}`,
    hint: onlyStates
      ? `clear-df tunnel up --switch ${file} takes the new associations while the tunnel stays up; or down, then up again`
      : `clear-df tunnel down ${file}, then up again`,
  });
}

function wantsStates({ items }: Plan): boolean {
  return items.some(({ kind }) => kind === 'xfrm-state');
}

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
      'other end, and clear-df tunnel up --switch FILE on both',
  });
}
