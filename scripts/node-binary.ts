/** Node of other versions and architectures, as npm's packages `node-linux-…` bring it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { cached } from './lab/cache.js';
import type { Architecture } from './lab/architecture.js';

/**
 * Path of a `node`; fetched on first use.
 * @param range as npm has it: `20`, `latest`
 */
export function nodeBinary(architecture: Architecture, range: string): Promise<string> {
  return fileOf(architecture, range, 'bin/node');
}

/** The text of Node's licence, and of all that it is made of. */
export async function nodeLicence(range: string): Promise<string> {
  return readFile(await fileOf(process.arch as Architecture, range, 'LICENSE'), 'utf8');
}

async function fileOf(architecture: Architecture, range: string, file: string): Promise<string> {
  const folder = await cached(`node-${architecture}-${range}-licensed`, async (fresh) => {
    const packed = await execa('npm', ['pack', '--silent', `node-linux-${architecture}@${range}`], { cwd: fresh });
    const tarball = packed.stdout.trim().split('\n').at(-1) ?? '';
    await execa('tar', ['-xzf', tarball, 'package/bin/node', 'package/LICENSE'], { cwd: fresh });
    await execa('rm', [tarball], { cwd: fresh });
  });
  return path.join(folder, 'package', file);
}
