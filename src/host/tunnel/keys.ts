/** The key file of a site: read only when nobody else can read it, and written so that nobody else could. */
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { ClearDfError } from '../../errors.js';
import { type KeyedSite, newKeys, parseKeys } from '../../tunnel/key-file.js';
import type { Keys } from '../../tunnel/keys.js';
import type { Site } from '../../tunnel/site.js';
import { errnoOf } from '../exec.js';

const GROUP_AND_OTHERS = 0o077;
/** Bytes; a key file has some hundred. */
const LENGTH_MAX = 65_536;

/** The site, when its keys come from a file. */
export function keyed(site: Site): KeyedSite | undefined {
  const { carrier } = site;
  return carrier.type === 'esp' && carrier.keys !== 'external' ? { ...site, carrier } : undefined;
}

/**
 * The keys of a site; undefined where it has none of its own.
 * @throws ClearDfError ENVIRONMENT when the file is not there, or others may read or change it; USAGE for what is in it
 */
export function readKeys(site: Site): Keys | undefined {
  const withKeys = keyed(site);
  return withKeys === undefined ? undefined : parseKeys(readSafely(withKeys), withKeys.carrier.keys, withKeys);
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

function readSafely(site: KeyedSite): string {
  const file = site.carrier.keys;
  const refuse = (reason: string, hint: string, cause?: unknown): never => {
    const object = `${site.place('carrier.keys')} carrier.keys ${file}`;
    throw new ClearDfError({
      code: 'ENVIRONMENT',
      operation: 'read keys',
      object,
      reason,
      errno: errnoOf(cause ?? {}),
      hint,
      cause,
    });
  };
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch (cause) {
    return refuse('it cannot be opened', `write one for both ends: clear-df tunnel keys ${site.file}`, cause);
  }
  try {
    // Of what is open, not of the name: that may be another file by now.
    const { mode, uid, size } = fstatSync(handle);
    if ((mode & 0o170000) !== 0o100000) refuse('it is no plain file', 'name a file');
    if ((mode & GROUP_AND_OTHERS) !== 0) {
      const shown = (mode & 0o777).toString(8).padStart(4, '0');
      refuse(
        `others than its owner may use it (mode ${shown})`,
        `chmod 600 ${file}, and make new keys if others read it`,
      );
    }
    if (uid !== 0 && uid !== process.geteuid?.()) refuse(`it belongs to user ${uid}`, `chown root ${file}`);
    if (size > LENGTH_MAX) refuse(`it has ${size} bytes, which no key file has`, 'name the key file');
    return readFileSync(handle, 'utf8');
  } finally {
    closeSync(handle);
  }
}
