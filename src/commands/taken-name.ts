/** Who has the name of a run's rules. */
import { ClearDfError } from '../errors.js';
import type { Runner } from '../host/exec.js';
import { feedText, liveFeeds } from '../host/firewall/feeds.js';
import type { Instance } from '../rules/instance.js';

/**
 * Two runs under one name would replace each other's rules: the second one is refused while the first one lives.
 * @throws ClearDfError CONFLICT
 */
export async function refuseTakenName(runner: Runner, { name, queues: own }: Instance): Promise<void> {
  const feeds = await liveFeeds(runner, name);
  // A queue of our own that is held is refused when it is bound.
  const other = feeds.find(({ queues: { first } }) => first < own.first || first > own.last);
  if (other === undefined) return;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: 'install rules of',
    object: name,
    reason: feedText(other),
    hint: 'give this run another --name',
  });
}
