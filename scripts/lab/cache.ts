/** What the lab keeps between runs: folders that are either whole or not there. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json. */
export const PROJECT = path.resolve(fileURLToPath(new URL('../..', import.meta.url)));
/** Outside git. To be removed at will: the next run makes it anew. */
export const CACHE = path.join(PROJECT, '.cache/lab');

/**
 * Path of the folder `name` of the cache; made by `make` in a folder of its own when it is not there yet, and renamed
 * when whole. Two that make it at once do the work twice and both end with the same.
 */
export async function cached(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = path.join(CACHE, name);
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${process.pid}-${randomBytes(3).toString('hex')}.new`;
  await mkdir(fresh, { recursive: true });
  try {
    await make(fresh);
    await rename(fresh, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}

/**
 * Removes the folders `KIND-…` of the cache but the newest few: a running guest holds its images open, and other
 * checkouts of the same code may switch back and forth.
 */
export async function prune(kind: string, keep = 4): Promise<void> {
  const names = (await readdir(CACHE)).filter((name) => name.startsWith(`${kind}-`));
  const dated = await Promise.all(names.map(async (name) => ({ name, at: await touched(path.join(CACHE, name)) })));
  const old = dated.sort((a, b) => b.at - a.at).slice(keep);
  await Promise.all(old.map(({ name }) => rm(path.join(CACHE, name), { recursive: true, force: true })));
}

async function touched(file: string): Promise<number> {
  // Somebody else may remove it meanwhile.
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

/** A short name for a content: equal for equal parts. */
export function digest(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16);
}
