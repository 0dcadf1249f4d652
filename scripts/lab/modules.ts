/** A kernel's modules, unpacked and with their index, and as an image. */
import { cp, mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { cached } from './cache.js';
import type { Kernel } from './fetch.js';
import { searchPath, writeImage } from './image.js';

export interface Modules {
  image: string;
  /** As the guest's root sees it: `usr/lib/modules/RELEASE`. */
  tree: string;
}

/** The modules of a kernel; made on first use. */
export async function kernelModules(kernel: Kernel): Promise<Modules> {
  const folder = await cached(`modules-${kernel.release}`, async (fresh) => {
    const tree = path.join(fresh, 'tree');
    const modules = path.join(tree, 'usr/lib/modules', kernel.release);
    await mkdir(path.dirname(modules), { recursive: true });
    await cp(path.join(kernel.modules, kernel.release), modules, {
      recursive: true,
      filter: (source) => !/\/(vmlinuz|build|source)$/.test(source),
    });
    await unpack(modules);
    // depmod of older kmod looks in lib, and so may the guest's modprobe: there, too, lib leads to usr/lib.
    await symlink('usr/lib', path.join(tree, 'lib'));
    await execa('depmod', ['-b', tree, kernel.release], { env: { PATH: searchPath() } });
    await writeImage(tree, path.join(fresh, 'image'));
  });
  return { image: path.join(folder, 'image'), tree: path.join(folder, 'tree') };
}

/** Newer kernels ship `.ko.xz`, which busybox's modprobe does not read. */
async function unpack(modules: string): Promise<void> {
  const { stdout } = await execa('find', [modules, '-name', '*.ko.xz']);
  const files = stdout.split('\n').filter(Boolean);
  const portion = 200;
  for (let at = 0; at < files.length; at += portion) {
    await execa('xz', ['-d', '-T1', ...files.slice(at, at + portion)]);
  }
}

/**
 * The files to insert, in order, for modules and all they depend on; those that are built in need none, and `wanted`
 * ones may be unknown to this kernel.
 * Paths relative to {@link Modules.tree}.
 */
export async function insertionOrder(
  modules: Modules,
  release: string,
  needed: readonly string[],
  wanted: readonly string[],
): Promise<string[]> {
  const order: string[] = [];
  for (const name of [...wanted, ...needed]) {
    const args = ['-d', modules.tree, '-S', release, '--ignore-install', '--show-depends', name];
    const { stdout, stderr, failed } = await execa('modprobe', args, { env: { PATH: searchPath() }, reject: false });
    if (failed && needed.includes(name)) throw new Error(`kernel ${release} cannot boot here: ${stderr}`);
    for (const line of stdout.split('\n')) {
      const file = /^insmod (\S+)/.exec(line)?.[1];
      if (file === undefined) continue;
      const inside = path.relative(modules.tree, file);
      if (!order.includes(inside)) order.push(inside);
    }
  }
  return order;
}
