/** What is at the egress of a site's tunnel device, where the fast path may be the engine. */
import { ClearDfError } from '../../errors.js';
import type { FastPathFact } from '../../tunnel/facts.js';
import type { Site } from '../../tunnel/site/site.js';

/** Undefined when no engine of the site needs it, or it cannot be read. */
export async function readFastPath(
  subject: Pick<Site, 'name' | 'tunnel' | 'engine'> | undefined,
): Promise<FastPathFact | undefined> {
  if (subject?.engine !== 'bpf' && subject?.engine !== 'auto') return undefined;
  try {
    const { lookAtSingle } = await import('../../fast-path/single.js');
    const standing = lookAtSingle(subject.name, subject.tunnel.name);
    if (standing.state === 'attached') return { state: 'attached', identification: standing.identification };
    if (standing.state === 'absent') return standing;
    const { observed, hint } = standing;
    return { state: 'conflict', observed, ...(hint === undefined ? {} : { hint }) };
  } catch (error) {
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}
