/** `clear-df net write`: the files of every router, whole or not at all. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { ClearDfError } from '../../errors.js';
import { FileSet, installFile, installNewFile } from '../../host/install-file.js';
import { undisturbed } from '../../host/undisturbed.js';
import { quoteWord } from '../../net/replay.js';
import type { Net } from '../../tunnel/net/net.js';
import { isOfNet } from '../../tunnel/net/site-text.js';
import { filesOf, folderOfNet, leftOver, type NetFile, readNet, textOf } from './files.js';

const SITE_MODE = '644';
const SECRET_MODE = '600';

interface WriteRequest {
  /** The folder of all sites; beside the net's file unless given. */
  output: string | undefined;
  /** Show, and write nothing. */
  dryRun: boolean;
}

/**
 * Writes what is new or has changed.
 * @returns what was written, or would be, for a person
 * @throws ClearDfError USAGE for what is in the net's file, CONFLICT where a file of somebody else is in the way; of a
 * write that failed, and then what this run did has been undone
 */
export function netWrite(file: string, { output, dryRun }: WriteRequest): string {
  const net = readNet(file);
  const folder = folderOfNet(net, output);
  const files = filesOf(net, folder);
  refuseForeign(files, net);
  // Before anything is written: what is said behind it must not fail.
  const left = leftOver(net, folder, files);
  const due = files.filter(({ wanted, found }) => wanted !== found);
  if (!dryRun) undisturbed(() => writeAll(due));
  const same = files.length - due.length;
  return [
    ...due.flatMap((one) => lineOf(one, dryRun)),
    ...left.map(
      (one) => `left: ${one} is of no site any more: there clear-df tunnel down, then remove it and its keys`,
    ),
    `${due.length} ${dryRun ? 'would be written' : 'written'}, ${same} as before`,
    ...(dryRun || due.length === 0 ? [] : ['', nextSteps(net, folder, due)]),
    '',
  ].join('\n');
}

/** What clear-df has not written for this net is somebody's. */
function refuseForeign(files: readonly NetFile[], { name }: Net): void {
  const foreign = files.find(({ secret, found }) => !secret && found !== undefined && !isOfNet(found, name));
  if (foreign === undefined) return;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: 'write file',
    object: foreign.file,
    reason: `it is there already, and was not written by clear-df net write for net ${name}; nothing was written`,
    errno: 'EEXIST',
    hint: 'clear-df net diff shows what differs; move it away, or name another folder with --output',
  });
}

function lineOf({ file, wanted, found, secret }: NetFile, dryRun: boolean): string[] {
  const what = found === undefined ? 'new' : 'changed';
  if (secret) return [`${what}: ${file} (0600, not shown)`];
  return dryRun
    ? [
        `${what}: ${file}`,
        ...wanted
          .trimEnd()
          .split('\n')
          .map((line) => `  ${line}`),
      ]
    : [`${what}: ${file}`];
}

/**
 * Secrets first: no site file names one that is not there. What another process writes meanwhile, as a second
 * `clear-df net write`, is neither overwritten nor taken away.
 */
function writeAll(due: readonly NetFile[]): void {
  const written = new FileSet();
  try {
    for (const { file } of due) written.folder(path.dirname(file));
    for (const { file, wanted, found, secret } of due) {
      // Again: another one that fails takes its empty folders away.
      written.folder(path.dirname(file));
      if (found === undefined) {
        const mode = secret ? SECRET_MODE : SITE_MODE;
        written.write(
          file,
          () => installNewFile(file, mode, wanted),
          () => ifOurs(file, wanted, () => rmSync(file)),
        );
      } else {
        refuseChanged(file, found);
        const install = (text: string) => () => installFile(file, SITE_MODE, text);
        written.write(file, install(wanted), () => ifOurs(file, wanted, install(found)));
      }
    }
  } catch (error) {
    written.undo(error);
  }
}

function ifOurs(file: string, written: string, back: () => void): void {
  refuseChanged(file, written);
  back();
}

function refuseChanged(file: string, known: string): void {
  if (textOf(file) === known) return;
  throw new ClearDfError({
    code: 'CONFLICT',
    operation: 'write file',
    object: file,
    reason: 'somebody else has changed it since it was read',
    hint: 'when no other clear-df net write runs, run this one again',
  });
}

function nextSteps({ sites }: Net, folder: string, due: readonly NetFile[]): string {
  const concerned = sites.filter((site) => due.some((one) => one.site === site));
  return [
    'Copy each folder to its router, keys included, and set the tunnels up there:',
    ...concerned.map((site) => {
      const names = due.filter((one) => one.site === site && !one.secret).map(({ file }) => path.basename(file));
      const up = names.map((name) => `clear-df tunnel up /etc/clear-df/${name}`).join('; ');
      return `  rsync -a --chown=root:root ${quoteWord(path.join(folder, site))}/ root@${site}:/etc/clear-df/    ${up}`;
    }),
  ].join('\n');
}
