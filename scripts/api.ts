/**
 * Writes docs/api.md: every public name, by typedoc from the comments. `npm run api`.
 *
 * The page begins with the digest of the declarations that it was made of (`dist/esm/*.d.ts`), so that a test notices
 * when they have changed: typedoc itself would take longer.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';

const ROOT = path.join(import.meta.dirname, '..');
const BUILT = path.join(ROOT, 'dist/esm');
export const API_PAGE = path.join(ROOT, 'docs/api.md');
/** What a program may import, and under which name. */
export const ENTRIES = { index: 'clear-df', plan: 'clear-df/plan' } as const;

/** The declarations that the public names need, and all that they import. */
function declarations(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(/["'](\.{1,2}\/[^"']+)\.js["']/g)) {
    const target = path.join(path.dirname(file), `${specifier}.d.ts`);
    if (existsSync(target)) declarations(target, seen);
  }
  return seen;
}

/** Of everything that the page says; needs `dist/`. */
export function digest(): string {
  const files = Object.keys(ENTRIES).flatMap((entry) => [...declarations(path.join(BUILT, `${entry}.d.ts`))]);
  const hash = createHash('sha256');
  for (const file of [...new Set(files)].sort()) hash.update(readFileSync(file));
  return `<!-- of declarations ${hash.digest('hex').slice(0, 16)}: npm run api writes this page -->`;
}

async function write(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-api-'));
  try {
    await execa('node_modules/.bin/typedoc', ['--out', folder], { cwd: ROOT });
    const pages = Object.entries(ENTRIES).map(([entry, name]) => {
      const text = readFileSync(path.join(folder, `${entry}.md`), 'utf8');
      // One page for both: headings a level deeper, links within it.
      return text
        .replace(/^# .*$/m, `# ${name}`)
        .replace(/^(#+) /gm, '#$1 ')
        .replace(
          /\]\((index|plan)\.md(#[\w-]+)?\)/g,
          (_, other: string, anchor?: string) => `](${anchor ?? `#${other}`})`,
        );
    });
    writeFileSync(API_PAGE, ['# API', digest(), ...pages].join('\n\n').trimEnd() + '\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await write();
