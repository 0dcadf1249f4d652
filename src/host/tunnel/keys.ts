/** The secrets of a site: read only when nobody else can read them, and written so that nobody else could. */
import { ClearDfError } from '../../errors.js';
import type { Secrets } from '../../tunnel/keys.js';
import { parseSecrets, secretFile } from '../../tunnel/secrets.js';
import type { Site } from '../../tunnel/site/site.js';
import { errnoOf } from '../exec.js';
import { createFile } from '../install-file.js';
import { readKeyFile } from '../key-file.js';

/**
 * What a site's plan needs of its secrets; undefined where it needs none. A private key is looked at all the same.
 * @throws ClearDfError USAGE when the file is not there, when others may read or change it, and for what is in it
 */
export function readSecrets(site: Site): Secrets | undefined {
  const named = secretFile(site);
  if (named === undefined) return undefined;
  const { file, key } = named;
  return parseSecrets(site, readKeyFile(file, `${site.place(key)} ${key}`), file);
}

/**
 * Writes a file with new secrets for both ends, whole or not at all.
 * @throws ClearDfError CONFLICT when there is a file of that name already
 */
export function writeNewSecrets({ file, text }: { file: string; text: string }): void {
  try {
    createFile(file, 0o600, text);
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
