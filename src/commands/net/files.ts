/** The files of a net: what is to stand in each site's folder, beside what stands there. */
import { type Dirent, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { ClearDfError, usageError } from '../../errors.js';
import { errnoOf } from '../../host/exec.js';
import { readKeyFile } from '../../host/key-file.js';
import { readTextFile, YAML_FILE } from '../../host/text-file.js';
import type { Net, NetEnd } from '../../tunnel/net/net.js';
import { parseNet } from '../../tunnel/net/net-file.js';
import { isOfNet, siteText } from '../../tunnel/net/site-text.js';
import { newSecrets, parseSecrets, secretFile } from '../../tunnel/secrets.js';

/** One file of one router. */
export interface NetFile {
  site: string;
  /** Where it is, or will be. */
  file: string;
  /** What is to stand there. Of a secret it is never shown. */
  wanted: string;
  /** What stands there; undefined where there is no such file. */
  found: string | undefined;
  secret: boolean;
}

/** Reads a net's file. @throws ClearDfError USAGE when it cannot be read, and for what is in it */
export function readNet(file: string): Net {
  return parseNet(readTextFile(file, { object: `net file '${file}'`, accepted: YAML_FILE }), file);
}

/**
 * The folder of all sites unless another is named: the net's name, beside its file.
 * @throws ClearDfError USAGE for an empty name, as of a variable that is not set
 */
export function folderOfNet({ file, name }: Net, output: string | undefined): string {
  if (output === '') throw usageError('--output', output, 'a folder; the working folder is .');
  return output ?? path.join(path.dirname(file), name);
}

/**
 * Every file of the net. A secret that one end of a tunnel has is that of all; one that none has is made, here, in memory.
 * @param folder with a folder for each site
 * @throws ClearDfError USAGE for a secret that others can read or that does not fit, CONFLICT where two ends have two
 */
export function filesOf(net: Net, folder: string): NetFile[] {
  const tunnels = [...new Set(net.ends.map(({ tunnel }) => tunnel))];
  const secrets = tunnels.flatMap((tunnel) => {
    const ends = net.ends.filter((end) => end.tunnel === tunnel);
    return secretsOf(ends, (end) => path.join(folder, end.site));
  });
  return [...secrets, ...siteFiles(net, net.ends, (end) => path.join(folder, end.site))];
}

/** Site files alone. @param at the folder of an end */
export function siteFiles(net: Net, ends: readonly NetEnd[], at: (end: NetEnd) => string): NetFile[] {
  return ends.map((end) => {
    const file = path.join(at(end), `${end.tunnel}.yaml`);
    return { site: end.site, file, wanted: siteText(net, end), found: textOf(file), secret: false };
  });
}

/** The text of a site file; undefined where there is none. @throws ClearDfError USAGE when it cannot be read */
export function textOf(file: string): string | undefined {
  const how = { object: `'${file}'`, accepted: 'a site file of at most 1 MiB' };
  return unlessMissing(() => readTextFile(file, how));
}

/** Undefined where there is no such file. One in a folder that may not be looked into may be there: that is refused. */
function unlessMissing(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    if (ClearDfError.is(error) && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR')) return undefined;
    throw error;
  }
}

function secretsOf(ends: readonly NetEnd[], at: (end: NetEnd) => string): NetFile[] {
  const all = ends.flatMap((end) => {
    if (end.secret === undefined) return [];
    const file = path.join(at(end), end.secret);
    return [{ end, file, found: secretOf(end, file) }];
  });
  const first = all.find(({ found }) => found !== undefined);
  const second = all.find(({ found }) => found !== undefined && found !== first?.found);
  if (second !== undefined) {
    throw new ClearDfError({
      code: 'CONFLICT',
      operation: 'read',
      object: second.file,
      reason: `it is not the same as ${first?.file}; all ends need one`,
      hint: 'copy the one that is in use over the other; with none in use, remove them',
    });
  }
  const wanted = first?.found ?? (all[0] && newSecrets(all[0].end.parsed)?.text) ?? '';
  return all.map(({ end, file, found }) => ({ site: end.site, file, wanted, found, secret: true }));
}

/**
 * A secret that is there already.
 * @throws ClearDfError USAGE when others can read it, or it does not fit what the net's file says
 */
export function secretOf({ parsed }: NetEnd, file: string): string | undefined {
  const key = secretFile(parsed)?.key ?? '';
  const text = unlessMissing(() => readKeyFile(file, `${parsed.place(key)} ${key}`));
  if (text === undefined) return undefined;
  try {
    parseSecrets(parsed, text, file);
    return text;
  } catch (error) {
    if (!ClearDfError.is(error)) throw error;
    const { code, operation, object, reason } = error;
    const hint =
      'where no tunnel uses it any more, remove it in the folders of both ends, and clear-df net write makes another';
    throw new ClearDfError({ code, operation, object, reason, hint, cause: error });
  }
}

/**
 * Site files of this net that are of none of its sites any more.
 * @param wanted of {@link filesOf}
 * @throws ClearDfError USAGE for a folder or file that cannot be looked into
 */
export function leftOver({ name }: Net, folder: string, wanted: readonly NetFile[]): string[] {
  if (!existsSync(folder)) return [];
  const known = new Set(wanted.map(({ file }) => file));
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => filesOfNetIn(path.join(folder, entry.name), name))
    .filter((file) => !known.has(file));
}

/** Site files in one folder that were written for this net. @throws ClearDfError as {@link leftOver} */
export function filesOfNetIn(folder: string, net: string): string[] {
  return entriesOf(folder)
    .filter(({ name }) => name.endsWith('.yaml'))
    .map(({ name }) => path.join(folder, name))
    .filter((file) => isFileOfNet(file, net));
}

/** What is no text, or no file, or larger than a site file, is somebody else's, and nobody asked about it. */
const FOREIGN = [undefined, 'EISDIR', 'ENXIO', 'ELOOP'];

function isFileOfNet(file: string, net: string): boolean {
  try {
    return isOfNet(textOf(file) ?? '', net);
  } catch (error) {
    if (ClearDfError.is(error) && FOREIGN.includes(error.errno)) return false;
    throw error;
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    const errno = errnoOf(cause);
    const reason = errno === 'ENOTDIR' ? 'it is not a folder' : 'it cannot be read';
    throw new ClearDfError({ code: 'USAGE', operation: 'read folder', object: folder, reason, errno, cause });
  }
}
