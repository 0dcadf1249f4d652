/** Import cycles between files. */
import type { TsFile } from './ts-file.js';

/** Each cycle once, as the list of its files, closed by the first again. */
export function findCycles(files: readonly TsFile[]): string[][] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const done = new Set<string>();
  const cycles: string[][] = [];

  const walk = (name: string, trail: string[]): void => {
    const start = trail.indexOf(name);
    if (start >= 0) {
      cycles.push([...trail.slice(start), name]);
      return;
    }
    if (done.has(name)) return;
    for (const { target } of byName.get(name)?.imports ?? []) {
      if (target !== undefined && byName.has(target)) walk(target, [...trail, name]);
    }
    done.add(name);
  };

  for (const { name } of files) walk(name, []);
  return cycles;
}
