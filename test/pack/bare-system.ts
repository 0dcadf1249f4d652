/** A system without Node: Debian's packages of an architecture, unpacked, and the single file in it. */
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { type Architecture, ARCHITECTURES } from '../../scripts/lab/architecture.js';
import { ownSuite } from '../../scripts/lab/suites.js';
import { debianRoot, emulator } from '../../scripts/target.js';
import { patient } from '../helpers/slowness.js';
import type { Done } from './consumer.js';

const FILE = '/usr/local/bin/clear-df';
const EMULATOR = '/opt/qemu';

export class BareSystem {
  private constructor(
    readonly folder: string,
    private readonly emulated: readonly string[],
  ) {}

  static async create(architecture: Architecture, single: string, packages: readonly string[]): Promise<BareSystem> {
    const { debian, triple } = ARCHITECTURES[architecture];
    const base = await debianRoot(await ownSuite(), debian, [
      'libc6',
      'libstdc++6',
      'libnetfilter-queue1',
      ...packages,
    ]);
    const folder = await mkdtemp(path.join(tmpdir(), 'clear-df-bare-'));
    await execa('cp', ['-a', `${base}/.`, folder]);
    for (const name of ['dev', 'opt', 'proc', 'run', 'tmp', 'usr/local/bin', 'var/tmp']) {
      await mkdir(path.join(folder, name), { recursive: true });
    }
    // As update-alternatives would have it.
    if (packages.includes('iptables')) await symlink('iptables-nft', path.join(folder, 'usr/sbin/iptables'));
    await cp(single, path.join(folder, FILE));
    const emulated = architecture !== process.arch;
    if (emulated) await cp(await emulator(triple.split('-')[0] ?? ''), path.join(folder, EMULATOR));
    return new BareSystem(folder, emulated ? [EMULATOR] : []);
  }

  /** The words that start clear-df inside; `before` is a shell's, and runs outside with the folder as `$1`. */
  words(args: readonly string[], before = ':'): string[] {
    const script = `mount -t proc proc "$1/proc" && ${before} && folder=$1 && shift && exec chroot "$folder" "$@"`;
    return ['unshare', '--mount', 'sh', '-c', script, 'sh', this.folder, ...this.emulated, FILE, ...args];
  }

  async clearDf(args: readonly string[], before?: string): Promise<Done> {
    const [command = '', ...words] = this.words(args, before);
    const options = { env: { PATH: process.env['PATH'] ?? '' }, extendEnv: false, reject: false };
    const { exitCode, stdout, stderr } = await execa(command, words, { ...options, timeout: patient(240_000) });
    return { exitCode, stdout, stderr };
  }

  async write(file: string, content: Uint8Array): Promise<void> {
    await writeFile(path.join(this.folder, file), content);
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
