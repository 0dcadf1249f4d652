/** What charon says of a site, and what the journal of its tunnel keeps of the last attempt. */
import type { IkeReading, Reading } from '../../doctor/machine.js';
import { ClearDfError } from '../../errors.js';
import type { LastAttempt } from '../../tunnel/carriers/ike/judge.js';
import type { Site } from '../../tunnel/site/site.js';
import type { Runner } from '../exec.js';
import { readIke } from '../read/ike.js';
import { Journal } from '../tunnel/journal.js';
import { reading } from './reading.js';

/** Undefined where the site has no keys from IKE. */
export async function readIkeOf(runner: Runner, site: Site): Promise<Reading<IkeReading> | undefined> {
  const facts = await reading(readIke(runner, site, true));
  if ('unknown' in facts) return facts;
  if (facts.known === undefined) return undefined;
  return { known: { facts: facts.known, last: lastAttempt(site.name), at: Date.now() } };
}

function lastAttempt(name: string): LastAttempt | undefined {
  try {
    return Journal.read(name)?.lastAttempt;
  } catch (error) {
    if (error instanceof ClearDfError) return undefined;
    throw error;
  }
}
