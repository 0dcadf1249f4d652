/** Coverage of lines as lcov's trace files have it (geninfo(1)). */
import path from 'node:path';

export interface FileLines {
  /** Below the folder of the sources. */
  name: string;
  lines: number;
  reached: number;
  /** What is not: `12-15`, `20`. */
  missing: string[];
}

/** The files below a folder, each once, by name. */
export function readLcov(text: string, folder: string): FileLines[] {
  const counts = new Map<string, Map<number, number>>();
  for (const record of text.split('end_of_record')) {
    const file = /^SF:(.*)$/m.exec(record)?.[1];
    if (file === undefined || !file.startsWith(folder + path.sep)) continue;
    const name = path.relative(folder, file);
    const lines = counts.get(name) ?? new Map<number, number>();
    for (const [, line, count] of record.matchAll(/^DA:(\d+),(\d+)/gm)) {
      lines.set(Number(line), (lines.get(Number(line)) ?? 0) + Number(count));
    }
    counts.set(name, lines);
  }
  return [...counts].map(([name, lines]) => summary(name, lines)).sort((a, b) => a.name.localeCompare(b.name));
}

function summary(name: string, lines: ReadonlyMap<number, number>): FileLines {
  const missing = [...lines].filter(([, count]) => count === 0).map(([line]) => line);
  return { name, lines: lines.size, reached: lines.size - missing.length, missing: ranges(missing) };
}

/** Neighbours that count no line between them, such as comments, are two ranges. */
function ranges(lines: readonly number[]): string[] {
  const found: [number, number][] = [];
  for (const line of [...lines].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === line - 1) last[1] = line;
    else found.push([line, line]);
  }
  return found.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`));
}
