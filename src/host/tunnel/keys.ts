/** The key file of a site: read only when nobody else can read it, and written so that nobody else could. */
import { writeFileSync } from 'node:fs';
import { ClearDfError } from '../../errors.js';
import { keyed, type KeyedSite, newKeys, parseKeys } from '../../tunnel/key-file.js';
import type { Keys } from '../../tunnel/keys.js';
import type { Site } from '../../tunnel/site.js';
import { errnoOf } from '../exec.js';
import { readKeyFile } from '../key-file.js';

/**
 * The keys of a site; undefined where it has none of its own.
 * @throws ClearDfError USAGE when the file is not there, when others may read or change it, and for what is in it
 */
export function readKeys(site: Site): Keys | undefined {
  const withKeys = keyed(site);
  if (withKeys === undefined) return undefined;
  const file = withKeys.carrier.keys;
  return parseKeys(readKeyFile(file, `${site.place('carrier.keys')} carrier.keys`), file, withKeys);
}

/**
 * Writes a file with new keys for both ends.
 * @throws ClearDfError CONFLICT when there is a file of that name already
 */
export function writeNewKeys(site: KeyedSite): void {
  const file = site.carrier.keys;
  try {
    writeFileSync(file, newKeys(site), { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    const errno = errnoOf(cause);
    throw new ClearDfError({
      code: errno === 'EEXIST' ? 'CONFLICT' : 'ENVIRONMENT',
      operation: 'write key file',
      object: file,
      reason: errno === 'EEXIST' ? 'it is there already' : 'it cannot be written',
      errno,
      hint: errno === 'EEXIST' ? 'remove it first, if no tunnel depends on it' : undefined,
      cause,
    });
  }
}
