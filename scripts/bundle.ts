/**
 * Joins a program with every package that it imports: to open and compile some 600 files takes half of the time that
 * a command needs. Commands stay files of their own, which are loaded when they are asked for.
 *
 *   tsx scripts/bundle.ts FOLDER    the command, and the status page below it
 */
import { appendFileSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Metafile } from 'esbuild';

/** What packages in CommonJS expect to be there; by names that no other file has, since all share one scope. */
const COMMONJS =
  "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url), " +
  '__filename = import.meta.filename, __dirname = import.meta.dirname;';

/** `node_modules/…/NAME` of a file of a package. */
const PACKAGE = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;

const LICENCES = 'LICENSES';
/** Between two of them. */
const RULE = `\n${'-'.repeat(80)}\n\n`;

/** The licence of a package, which has to go wherever its code goes. @throws Error when it has none */
function licence(folder: string): string {
  const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Record<
    'name' | 'version',
    string
  >;
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  if (file === undefined) throw new Error(`${folder} is bundled and has no licence file`);
  return `${name} ${version}\n\n${readFileSync(path.join(folder, file), 'utf8').trim()}\n`;
}

/**
 * Writes each entry to `outdir` under its own name, what they share beside it, and LICENSES of the packages.
 * @throws Error when an import cannot be resolved
 */
export async function bundle(entryPoints: string[], outdir: string): Promise<void> {
  const { metafile } = await build({
    ...{ entryPoints, outdir, entryNames: '[name]', bundle: true, splitting: true, metafile: true, logLevel: 'error' },
    // Less to read and parse at each start; names stay, for stacks.
    ...{ minifyWhitespace: true, minifySyntax: true, legalComments: 'none' },
    ...{ platform: 'node', format: 'esm', target: 'node20', mainFields: ['module', 'main'], banner: { js: COMMONJS } },
  });
  writeFileSync(path.join(outdir, LICENCES), licencesOf(metafile).join(RULE));
}

/** Writes the status page to `outdir`: what is served as it stands. @returns what it is made of */
async function bundlePage(outdir: string): Promise<Metafile> {
  const { metafile } = await build({
    ...{ entryPoints: ['src/page/status.ts', 'src/page/status.css'], outdir, bundle: true, metafile: true },
    ...{
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      minify: true,
      legalComments: 'none',
      logLevel: 'error',
    },
  });
  for (const file of ['index.html', 'icon.svg']) copyFileSync(`src/page/${file}`, path.join(outdir, file));
  return metafile;
}

function licencesOf({ inputs }: Metafile): string[] {
  const folders = Object.keys(inputs).flatMap((file) => PACKAGE.exec(file) ?? []);
  return [...new Set(folders)].sort().map(licence);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [folder = 'dist/esm/cli'] = process.argv.slice(2);
  // `send` is started as a process, and so by its file.
  await bundle(['src/cli/main.ts', 'src/commands/bench/send.ts'], folder);
  const page = await bundlePage(path.join(folder, 'page'));
  appendFileSync(path.join(folder, LICENCES), ['', ...licencesOf(page)].join(RULE));
}
