/** What a test enters, also in the processes that it starts. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

/** Where each source begins in a bundle: esbuild names it in a line of its own. */
function sourcesIn(bundle: string): { at: number; file: string }[] {
  const lines = readFileSync(bundle, 'utf8').matchAll(/^\/\/ (src\/.+\.ts)$/gm);
  return Array.from(lines, ({ index, 1: file = '' }) => ({ at: index, file }));
}

/** Files in which a function was entered, by the coverage that processes of Node left in a folder. */
function entered(folder: string): Set<string> {
  interface Script {
    url: string;
    functions: { functionName: string; ranges: { count: number; startOffset: number }[] }[];
  }
  const found = new Set<string>();
  for (const name of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as { result: Script[] };
    for (const { url, functions } of result) {
      if (/\/dist\/cli\/.+\.js$/.test(url) && existsSync(new URL(url))) {
        const sources = sourcesIn(fileURLToPath(url));
        for (const { functionName, ranges } of functions) {
          const [{ count, startOffset } = { count: 0, startOffset: 0 }] = ranges;
          const source = sources.filter(({ at }) => at < startOffset).at(-1);
          if (functionName !== '' && count > 0 && source !== undefined) found.add(source.file);
        }
      }
      const [, built, source] = /\/(?:dist\/(?:esm|cjs)\/(.+)\.js|((?:src|bench|scripts)\/.+\.ts))$/.exec(url) ?? [];
      const file = built === undefined ? source : `src/${built}.ts`;
      const named = functions.filter(({ functionName }) => functionName !== '');
      const ran = named.length === 0 || named.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0);
      if (file !== undefined && ran) found.add(file);
    }
  }
  return found;
}

/** Runs one file of tests, and returns the files in which it, or a process that it started, entered a function. */
export async function measure(test: string): Promise<string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-rooms-'));
  // Some of what is started has no rights.
  chmodSync(folder, 0o777);
  try {
    const { exitCode } = await execa('node_modules/.bin/vitest', ['run', test], {
      ...{ reject: false, stdio: 'ignore', env: { NODE_V8_COVERAGE: folder } },
    });
    const files = [...entered(folder)].filter((file) => existsSync(file)).sort();
    console.log(`measured ${test}: ${files.length} files${exitCode === 0 ? '' : ' (it failed)'}`);
    return files;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
