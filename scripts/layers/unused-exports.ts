/** Names that a file exports and no other file imports: they are that file's own. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Whose exports are looked at, and who may use them. */
const OWN = ['src', 'bench', 'scripts'];
const USERS = [...OWN, 'test', 'examples'];
/** What others than files of this repository import. */
const DOORS = new Set(['src/index.ts', 'src/plan.ts']);

const EXPORT = /^export (?:async )?(?:function\*?|const|class|interface|type|enum) (\w+)/gm;
const FROM = /(?:import|export)\s+(?:type\s+)?(\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s+from\s+'(\.[^']+)'/g;
const DYNAMIC = /import\(\s*'(\.[^']+)'\s*\)/g;
const ALL = '*';

/** Exports without an importer, tests included; all of a file that is imported whole count as used. */
export function unusedExports(root: string): { file: string; name: string }[] {
  const texts = new Map(USERS.flatMap((folder) => filesIn(root, folder)).map((file) => [file, read(root, file)]));
  const used = new Set<string>();
  for (const [file, text] of texts) {
    const target = (specifier: string) => path.posix.join(path.posix.dirname(file), specifier).replace(/\.js$/, '.ts');
    for (const [, names = '', specifier = ''] of text.matchAll(FROM)) {
      for (const name of namesOf(names)) used.add(`${target(specifier)} ${name}`);
    }
    for (const [, specifier = ''] of text.matchAll(DYNAMIC)) used.add(`${target(specifier)} ${ALL}`);
  }
  return [...texts]
    .filter(([file]) => OWN.some((folder) => file.startsWith(`${folder}/`)) && !DOORS.has(file))
    .filter(([file]) => !used.has(`${file} ${ALL}`))
    .flatMap(([file, text]) => [...text.matchAll(EXPORT)].map(([, name = '']) => ({ file, name })))
    .filter(({ file, name }) => !used.has(`${file} ${name}`));
}

function namesOf(names: string): string[] {
  if (names.startsWith('*')) return [ALL];
  return names
    .slice(1, -1)
    .split(',')
    .map((name) =>
      name
        .trim()
        .replace(/^type /, '')
        .replace(/ as .*$/, ''),
    );
}

function filesIn(root: string, folder: string): string[] {
  if (!existsSync(path.join(root, folder))) return [];
  const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.ts')).map((name) => path.posix.join(folder, name));
}

function read(root: string, file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}
