/** Writes the page and its charts, of the newest results. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Results } from '../record/results.js';
import { charts } from './charts.js';
import { placed } from './page.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Complete runs, one file each. */
export const RESULTS = path.join(ROOT, 'bench/results');
export const PAGE = path.join(ROOT, 'docs/bench.md');
export const CHARTS = path.join(ROOT, 'docs/bench');

/** `2026-11-21T10-20-30Z-6.18.44.json`. */
export function resultsName({ date, machine }: Results): string {
  return `${date.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-')}-${machine.kernel}.json`;
}

/** Every complete run, the oldest first; the name of each begins with its date. */
export function readResults(): { file: string; results: Results }[] {
  const names = existsSync(RESULTS) ? readdirSync(RESULTS).filter((name) => name.endsWith('.json')) : [];
  return names.sort().map((name) => ({
    file: `bench/results/${name}`,
    results: JSON.parse(readFileSync(path.join(RESULTS, name), 'utf8')) as Results,
  }));
}

/** What the page and the charts have to be: the text of each file, by its path. */
export function pageFiles(): Map<string, string> {
  const newest = readResults().at(-1);
  const files = new Map([[PAGE, placed(readFileSync(PAGE, 'utf8'), newest)]]);
  if (newest === undefined) return files;
  for (const { name, svg } of charts(newest.results)) files.set(path.join(CHARTS, name), svg);
  return files;
}

/** Makes them so; charts that are no more are removed. */
export function writePage(): void {
  const files = pageFiles();
  rmSync(CHARTS, { recursive: true, force: true });
  for (const [file, text] of files) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  console.error(`bench: wrote ${[...files.keys()].map((file) => path.relative(ROOT, file)).join(', ')}`);
}
