/** The first stage of a guest: busybox, and the modules that its disks need. */
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { cached, digest } from './cache.js';
import type { Kernel } from './fetch.js';
import { insertionOrder, type Modules } from './modules.js';
import { contents } from './stage.js';

const INIT = fileURLToPath(new URL('init-ram.sh', import.meta.url));
const APPLETS = ['sh', 'mount', 'mkdir', 'cat', 'insmod', 'switch_root'];
const NEEDED = ['virtio_pci', 'virtio_blk', 'virtio_console', 'ext4', 'overlay'];
/** The checksum of ext4, by whichever name; newest kernels have it in their core. */
const WANTED = ['crc32c_generic', 'crc32c_intel', 'crc32c'];

/**
 * Path of a kernel's initramfs; made on first use.
 * @param busybox of the kernel's architecture, one static file
 */
export async function initramfs(kernel: Kernel, modules: Modules, busybox: string): Promise<string> {
  const name = `initramfs-${kernel.release}-${digest(await contents([INIT, busybox]))}`;
  const folder = await cached(name, async (fresh) => {
    const root = path.join(fresh, 'root');
    for (const made of ['bin', 'dev', 'proc', 'sys', 'root', 'layers', 'writes']) {
      await mkdir(path.join(root, made), { recursive: true });
    }
    await copyFile(busybox, path.join(root, 'bin/busybox'));
    for (const applet of APPLETS) await symlink('busybox', path.join(root, 'bin', applet));
    await copyFile(INIT, path.join(root, 'init'));
    await chmod(path.join(root, 'init'), 0o755);
    const inserted = await insertionOrder(modules, kernel.release, NEEDED, WANTED);
    for (const module of inserted) {
      await mkdir(path.dirname(path.join(root, module)), { recursive: true });
      await copyFile(path.join(modules.tree, module), path.join(root, module));
    }
    await writeFile(path.join(root, 'modules.list'), inserted.map((module) => `${module}\n`).join(''));
    // Not compressed: unpacking would cost the guest more than reading.
    const { stdout } = await execa('find', ['.', '-mindepth', '1'], { cwd: root });
    const options = ['-o', '-H', 'newc', '-R', '0:0', '--quiet', '-O', path.join(fresh, 'cpio')];
    await execa('cpio', options, { cwd: root, input: `${stdout}\n` });
  });
  return path.join(folder, 'cpio');
}
