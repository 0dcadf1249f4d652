/** Where this package lies. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ClearDfError } from '../errors.js';
import { isSingle, partOf } from './single.js';

/** The text of a file of this package, by its path in there. @throws Error when it is not there */
export function packageText(name: string): string {
  return isSingle() ? Buffer.from(partOf(name)).toString() : readFileSync(path.join(packageRoot(), name), 'utf8');
}

/** The folder that holds clear-df's own package.json, found from where this file lies. */
export function packageRoot(): string {
  let dir = import.meta.dirname;
  for (;;) {
    const manifest = path.join(dir, 'package.json');
    if (existsSync(manifest) && (JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string }).name === 'clear-df') {
      return dir;
    }
    const parent = path.dirname(dir);
    if (parent === dir) {
      throw new ClearDfError({
        code: 'ENVIRONMENT',
        operation: 'find',
        object: 'the clear-df package',
        reason: 'no package.json named clear-df above the running file',
        hint: 'install clear-df with npm instead of copying single files',
      });
    }
    dir = parent;
  }
}
