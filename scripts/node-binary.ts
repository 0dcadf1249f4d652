/** Node of other versions and architectures, as npm's packages `node-linux-…` bring it. */
import path from 'node:path';
import { execa } from 'execa';
import { cached } from './lab/cache.js';
import type { Architecture } from './lab/architecture.js';

/**
 * Path of a `node`; fetched on first use.
 * @param range as npm has it: `20`, `latest`
 */
export async function nodeBinary(architecture: Architecture, range: string): Promise<string> {
  const folder = await cached(`node-${architecture}-${range}`, async (fresh) => {
    const packed = await execa('npm', ['pack', '--silent', `node-linux-${architecture}@${range}`], { cwd: fresh });
    const tarball = packed.stdout.trim().split('\n').at(-1) ?? '';
    await execa('tar', ['-xzf', tarball, 'package/bin/node'], { cwd: fresh });
    await execa('rm', [tarball], { cwd: fresh });
  });
  return path.join(folder, 'package/bin/node');
}
