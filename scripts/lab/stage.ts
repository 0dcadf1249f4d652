/** Puts together the folder of a guest's root: programs of this machine with all they load, or Debian's packages. */
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, realpath, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { searchPath } from './image.js';

/** What stands for a file's content when deciding whether to make something anew: its path, size and time. */
export async function contents(files: readonly string[]): Promise<string[]> {
  return Promise.all(
    files.map(async (file) => {
      const { size, mtimeMs } = await stat(file);
      return `${file} ${size} ${mtimeMs}`;
    }),
  );
}

/** All files below a folder, sorted; links are followed. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => path.join(entry.parentPath, entry.name)).sort();
}

/**
 * Where the programs are on this machine, by name.
 * @throws Error that names all that are missing
 */
export function findPrograms(names: readonly string[]): Map<string, string> {
  const folders = searchPath().split(':');
  const found = new Map<string, string>();
  for (const name of names) {
    const file = folders.map((folder) => path.join(folder, name)).find((one) => existsSync(one));
    if (file !== undefined) found.set(name, file);
  }
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) {
    throw new Error(`the lab's guests need ${missing.join(', ')}, which this machine lacks: run scripts/setup`);
  }
  return found;
}

/** Path inside the guest's merged usr: `/lib/x` is `/usr/lib/x`. */
function merged(file: string): string {
  return /^\/(lib|lib64|bin|sbin)\//.test(file) ? `/usr${file}` : file;
}

/** Copies files to the same place below `root`. */
export async function copyIn(root: string, files: readonly string[]): Promise<void> {
  for (const file of files) {
    const target = path.join(root, merged(file));
    if (existsSync(target)) continue;
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(file, target);
    await chmod(target, (await stat(file)).mode & 0o777);
  }
}

/** The shared libraries that programs and libraries load, directly and indirectly, and the loader itself. */
export async function librariesOf(files: readonly string[]): Promise<string[]> {
  // Exits with 1 for scripts and static programs, which need none.
  const { stdout } = await execa('ldd', files, { reject: false });
  const missing = /^\s*(\S+) => not found/m.exec(stdout)?.[1];
  if (missing !== undefined) throw new Error(`${missing} is missing, which one of ${files.join(', ')} needs`);
  const libraries = [...stdout.matchAll(/^\s*(?:\S+ => )?(\/\S+) \(0x/gm)].map((match) => match[1] as string);
  return [...new Set(libraries)].sort();
}

/**
 * Puts programs below `root` as /usr/bin/NAME or /usr/sbin/NAME. One program that goes by several names is copied once.
 */
export async function stagePrograms(root: string, programs: Map<string, string>): Promise<void> {
  for (const [name, file] of programs) {
    const real = await realpath(file);
    await copyIn(root, [real]);
    const link = path.join(root, merged(path.join(path.dirname(file), name)));
    await mkdir(path.dirname(link), { recursive: true });
    if (!existsSync(link)) await symlink(merged(real), link);
  }
}

/** Of what packages hold in usr/share: nothing reads it in a guest. */
export const LEFT_OUT = [
  'doc',
  'man',
  'locale',
  'info',
  'lintian',
  'bash-completion',
  'bug',
  'doc-base',
  'applications',
];

export async function leaveOut(root: string): Promise<void> {
  for (const name of LEFT_OUT) await rm(path.join(root, 'usr/share', name), { recursive: true, force: true });
}

/** Packages of suites whose usr is merged on disk only still hold /lib/x. */
export async function mergeUsr(root: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    const from = path.join(root, name);
    if (!existsSync(from)) continue;
    const to = path.join(root, 'usr', name);
    await mkdir(to, { recursive: true });
    // Node's cp would make relative links absolute.
    await execa('cp', ['-a', `${from}/.`, to]);
    await rm(from, { recursive: true });
  }
}
