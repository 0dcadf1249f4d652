/** Writes the pages and their charts, of the newest results. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelResults } from '../record/model.js';
import type { Results } from '../record/results.js';
import { charts } from './charts.js';
import { between } from './marks.js';
import { placed } from './page.js';
import { scaleCharts } from './scale-charts.js';
import { judged } from './scale-model.js';
import { scaleFigures } from './scale.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Complete runs, one file each. */
export const RESULTS = path.join(ROOT, 'bench/results');
const PAGE = path.join(ROOT, 'docs/bench.md');
export const CHARTS = path.join(ROOT, 'docs/bench');
export const SCALE_PAGE = path.join(ROOT, 'docs/scale.md');
export const SCALE_CHARTS = path.join(ROOT, 'docs/scale');

/** What the names of runs for the model begin with. */
const MODEL = 'model-';

/** `2026-11-21T10-20-30Z-6.18.44.json`. */
export function resultsName({ date, machine }: Pick<Results, 'date' | 'machine'>): string {
  return `${date.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-')}-${machine.kernel}.json`;
}

/** `model-2026-11-21T10-20-30Z-6.18.44.json`. */
export function modelName(results: Pick<Results, 'date' | 'machine'>): string {
  return `${MODEL}${resultsName(results)}`;
}

/** The complete runs of a kind, the oldest first; the name of each begins with its date, behind the kind's own word. */
function read<T>(isOfKind: (name: string) => boolean): { file: string; results: T }[] {
  const names = existsSync(RESULTS) ? readdirSync(RESULTS).filter((name) => name.endsWith('.json')) : [];
  return names
    .filter(isOfKind)
    .sort()
    .map((name) => ({
      file: `bench/results/${name}`,
      results: JSON.parse(readFileSync(path.join(RESULTS, name), 'utf8')) as T,
    }));
}

/** Every complete run of the bench. */
export function readResults(): { file: string; results: Results }[] {
  return read((name) => !name.startsWith(MODEL));
}

/** Every complete run for the model. */
export function readModels(): { file: string; results: ModelResults }[] {
  return read((name) => name.startsWith(MODEL));
}

/** What the pages and the charts have to be: the text of each file, by its path. */
export function pageFiles(): Map<string, string> {
  const [newest, model] = [readResults().at(-1), readModels().at(-1)];
  const files = new Map([
    [PAGE, placed(readFileSync(PAGE, 'utf8'), newest)],
    [SCALE_PAGE, between(readFileSync(SCALE_PAGE, 'utf8'), 'docs/scale.md', scaleFigures(model))],
  ]);
  const drawn = newest === undefined ? [] : charts(newest.results);
  for (const { name, svg } of drawn) files.set(path.join(CHARTS, name), svg);
  const drawnToo = model === undefined ? [] : scaleCharts(judged(model.results));
  for (const { name, svg } of drawnToo) files.set(path.join(SCALE_CHARTS, name), svg);
  return files;
}

/** Makes them so; charts that are no more are removed. */
export function writePage(): void {
  const files = pageFiles();
  for (const folder of [CHARTS, SCALE_CHARTS]) rmSync(folder, { recursive: true, force: true });
  for (const [file, text] of files) {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  console.error(`bench: wrote ${[...files.keys()].map((file) => path.relative(ROOT, file)).join(', ')}`);
}
