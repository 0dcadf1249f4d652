/** Reading a file of keys: only when nobody but its owner could have read or changed it. */
import { realpathSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { ClearDfError } from '../errors.js';
import { errnoOf } from './exec.js';
import { readTextFile } from './text-file.js';

/** Read or written by group or others. */
const OTHERS = 0o066;
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;

const ACCEPTED = 'a file of keys that only its owner, root or this user, can read and write';

/**
 * The text of a key file. Mode and owner are those of the open file, not of its name, so that nothing can be put in
 * its place in between; a symbolic link is followed and its target judged.
 * @param where place and key that named the file: `site.yaml:9 carrier.keys`
 * @throws ClearDfError USAGE when it is missing, not a regular file, open to others, someone else's, or when a folder
 * above it can be written by anyone
 */
export function readKeyFile(file: string, where: string): string {
  const object = `${where} '${file}'`;
  const text = readTextFile(file, { object, accepted: ACCEPTED, inspect });
  refuseOpenFolders(file, object);
  return text;
}

function inspect(stat: Stats): string | undefined {
  if (stat.isDirectory()) return 'it is a directory';
  const { mode, uid } = stat;
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  if ((mode & OTHERS) !== 0) return `its mode is ${shown}: group or others can read or write it (chmod 600)`;
  const user = process.geteuid?.() ?? 0;
  return uid === 0 || uid === user ? undefined : `it belongs to user id ${uid}, who can change it`;
}

/** Who can write a folder can put another file in; in a sticky one (`/tmp`) only the file's owner can. */
function refuseOpenFolders(file: string, object: string): void {
  const open = firstOpenFolder(file, object);
  if (open === undefined) return;
  const reason = `anyone can write ${open}, and so put another file in its place; expected ${ACCEPTED}`;
  throw new ClearDfError({ code: 'USAGE', operation: 'read', object, reason, hint: `chmod o-w ${open}` });
}

function firstOpenFolder(file: string, object: string): string | undefined {
  try {
    const names = new Set([path.resolve(file), realpathSync(file)]);
    return [...names].flatMap(foldersOf).find((folder) => {
      const { mode } = statSync(folder);
      return (mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0;
    });
  } catch (cause) {
    const reason = 'the folders of its path cannot be examined';
    throw new ClearDfError({ code: 'USAGE', operation: 'read', object, reason, errno: errnoOf(cause), cause });
  }
}

/** Every folder above a path, the nearest first. */
function foldersOf(file: string): string[] {
  const folder = path.dirname(file);
  return folder === file ? [] : [folder, ...foldersOf(folder)];
}
