/** Programs in a namespace that use clear-df's own sources where the command line leaves no choice. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Namespace } from './netns.js';
import type { Running } from './running.js';
import { PROJECT } from './tools.js';

/** What an import of a source has to say: `commands/run.ts`. */
export const source = (file: string): string =>
  JSON.stringify(pathToFileURL(path.join(PROJECT, 'src', file)).toString());

/** Starts a module, given as its text. */
export function startProgram(at: Namespace, program: string, environment?: Record<string, string>): Running {
  const loader = pathToFileURL(path.join(PROJECT, 'node_modules/tsx/dist/loader.mjs')).toString();
  const args = ['--import', loader, '--input-type=module', '--eval', program];
  return at.spawn(process.execPath, args, environment);
}
