/**
 * The manual pages, from what `--help`, the option table and the site file's schema say.
 *
 *   tsx scripts/man.ts [FOLDER]    to FOLDER/man1 and FOLDER/man5; default dist/man
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type CommandNode, commandTree } from '../src/cli/command-tree.js';
import { wholeProgram } from '../src/cli/program.js';
import { commandPage, type Page } from './man/command-page.js';
import { netPage, optionsPage, sitePage } from './man/format-page.js';

/** Every page. @param date as `.Dd` takes it */
export async function manualPages(date: string): Promise<Page[]> {
  const pages: Page[] = [];
  const add = (node: CommandNode, parent: CommandNode | undefined) => {
    pages.push(commandPage(node, parent, date));
    for (const below of node.commands) add(below, node);
  };
  add(commandTree(await wholeProgram()), undefined);
  const example = (name: string) => readFileSync(`examples/${name}.yaml`, 'utf8');
  return [...pages, optionsPage(date), netPage(date, example('office.net')), sitePage(date, example('site-plain'))];
}

/** Where a page lies in a folder of manual pages. */
export function placeOf({ file }: Page): string {
  return path.join(`man${file.slice(-1)}`, file);
}

/** Of the last change, for builds that have to come out the same (reproducible-builds.org); else of today. */
function buildDate(): string {
  const { SOURCE_DATE_EPOCH: epoch } = process.env;
  const date = epoch === undefined ? new Date() : new Date(Number(epoch) * 1000);
  return date.toLocaleDateString('en-US', { dateStyle: 'long', timeZone: 'UTC' });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [folder = 'dist/man'] = process.argv.slice(2);
  for (const page of await manualPages(buildDate())) {
    const file = path.join(folder, placeOf(page));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, page.text);
  }
}
