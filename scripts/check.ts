/** The check tier, also `npm run lint`: everything that can be said of the sources without running them. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { inLanes } from './lanes.js';
import { MOST_LINES, type Tally } from './tally.js';

interface Check {
  name: string;
  command: string;
  args: string[];
}

const bin = (name: string) => `node_modules/.bin/${name}`;

function checks(): Check[] {
  const cFiles = readdirSync('csrc', { recursive: true, encoding: 'utf8' })
    // The program in the kernel is no C of this machine: scripts/build-bpf.ts compiles it.
    .filter((file) => file.endsWith('.c') && !file.endsWith('.bpf.c'))
    .map((file) => `csrc/${file}`);
  return [
    {
      name: 'clang-tidy',
      command: 'clang-tidy',
      args: ['--quiet', ...cFiles, '--', '-std=c11', '-D_GNU_SOURCE', '-Icsrc'],
    },
    { name: 'layers', command: bin('tsx'), args: ['scripts/check-layers.ts'] },
    { name: 'docs/api.md', command: bin('tsx'), args: ['scripts/api.ts', '--check'] },
    { name: 'oxlint, with types', command: bin('oxlint'), args: ['--deny-warnings'] },
    { name: 'format', command: 'bash', args: ['scripts/format', '--check'] },
    {
      name: 'shellcheck',
      command: 'shellcheck',
      args: ['--external-sources', '--source-path=SCRIPTDIR', ...shellScripts()],
    },
  ];
}

/** By name or by first line: also those that a package's maintainer scripts are made of. */
function shellScripts(): string[] {
  return ['.ci', 'scripts', 'test/helpers'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => path.join(parentPath, name))
      .filter((file) => file.endsWith('.sh') || /^#!.*sh$/.test(readFileSync(file, 'utf8').split('\n', 1)[0] ?? '')),
  );
}

async function runCheck({ name, command, args }: Check, tally: Tally): Promise<void> {
  const result = await execa(command, args, { all: true, reject: false });
  if (result.failed) {
    const said = result.all || result.message || '';
    console.log(`✗ ${name}\n${said}`);
    tally.failed.push({ name: `check > ${name}`, why: said.split('\n').slice(-MOST_LINES) });
  } else {
    console.log(`✓ ${name}`);
    tally.passed += 1;
  }
}

/** Runs every check, also after one has failed; two at a time. */
export async function runChecks(): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: [], skipped: [] };
  await inLanes(checks(), 2, (check) => runCheck(check, tally));
  return tally;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = (await runChecks()).failed.length === 0 ? 0 : 1;
}
