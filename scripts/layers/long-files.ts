/** Files that have grown beyond what one noun or one verb needs. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const FOLDERS = ['src', 'csrc', 'scripts', 'test', 'bench', 'examples'];
const CODE = /\.(ts|js|mjs|cjs|c|cc|h|py)$/;
const LIMIT = 300;

/** Code files of the project in `root` with more than 300 lines. */
export function longFiles(root: string): { file: string; lines: number }[] {
  return FOLDERS.filter((folder) => existsSync(path.join(root, folder)))
    .flatMap((folder) => {
      const names = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' });
      return names.filter((name) => CODE.test(name)).map((name) => path.posix.join(folder, name));
    })
    .map((file) => ({ file, lines: readFileSync(path.join(root, file), 'utf8').split('\n').length - 1 }))
    .filter(({ lines }) => lines > LIMIT);
}
