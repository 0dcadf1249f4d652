/**
 * docs/api.md: every public name, by typedoc from the comments.
 *
 *   npm run api          writes the page
 *   … api.ts --check     fails if the page is not what would be written
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';

const ROOT = path.join(import.meta.dirname, '..');
export const API_PAGE = path.join(ROOT, 'docs/api.md');
/** What a program may import, and under which name. */
export const ENTRIES = { index: 'clear-df', plan: 'clear-df/plan' } as const;

/** The page as the sources make it; types are checked elsewhere. */
async function page(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-api-'));
  try {
    await execa('node_modules/.bin/typedoc', ['--skipErrorChecking', '--out', folder], { cwd: ROOT });
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
    return ['# API', '<!-- npm run api writes this page -->', ...pages].join('\n\n').trimEnd() + '\n';
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const text = await page();
  if (process.argv[2] !== '--check') writeFileSync(API_PAGE, text);
  else if (readFileSync(API_PAGE, 'utf8') !== text) {
    console.error('docs/api.md is not what the sources say: npm run api writes it');
    process.exitCode = 1;
  }
}
