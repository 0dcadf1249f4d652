/** clear-df as one file that needs no Node (`npm run build:single`): files of the package are parts of the program. */

type Parts = Pick<typeof import('node:sea'), 'isSea' | 'getAsset'>;

/** Not by import: a bundler for browsers would look for it. */
const parts = process.getBuiltinModule('node:sea') as Parts | undefined;

/** The first word with which such a file starts a part of clear-df instead of a command; the second is the part's name. */
export const PART = '--part';

/** Whether this is such a file. */
export function isSingle(): boolean {
  return parts?.isSea() === true;
}

/** A file of the package, by its path in there. @throws Error when it is none of them */
export function partOf(name: string): Uint8Array {
  if (parts === undefined) throw new Error(`${name}: this Node has no parts`);
  return new Uint8Array(parts.getAsset(name));
}
