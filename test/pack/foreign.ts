/**
 * Another system to install clear-df into: Debian's packages of an architecture, unpacked; a Node of npm's; entered by
 * chroot, and emulated by qemu where it is of another architecture than this machine.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { type Architecture, type Target, TARGETS } from '../../scripts/lab/architecture.js';
import { ADDONS } from '../../scripts/cross-build.js';
import { debianRoot, emulator } from '../../scripts/target.js';
import { nodeBinary } from '../../scripts/node-binary.js';
import { patient } from '../helpers/slowness.js';
import type { Consumer, Done } from './consumer.js';

const NODE = '/opt/node';
const EMULATOR = '/opt/qemu';
const CONSUMER = '/opt/consumer';

export class Foreign {
  private constructor(
    readonly folder: string,
    private readonly before: readonly string[],
  ) {}

  /**
   * With the consumer's folder in it, where one is given.
   * @param node a version of npm's, or `Debian`: the suite's own
   * @throws Error when the archive has no such suite, or qemu is not to be had
   */
  static async create(architecture: Target, suite: string, node: string, consumer?: Consumer): Promise<Foreign> {
    const own = node === 'Debian';
    const packages = ['libc6', 'libstdc++6', 'libnetfilter-queue1', ...(own ? ['nodejs'] : [])];
    const base = await debianRoot(suite, TARGETS[architecture].debian, packages);
    const folder = await mkdtemp(path.join(tmpdir(), 'clear-df-foreign-'));
    await execa('cp', ['-a', `${base}/.`, folder]);
    // Of suites where usr was not merged yet, and of those whose packages hold only usr, both have to be found.
    for (const name of ['lib', 'lib64']) {
      if (existsSync(path.join(folder, name))) continue;
      if (existsSync(path.join(folder, 'usr', name))) await execa('ln', ['-s', `usr/${name}`, path.join(folder, name)]);
    }
    for (const name of ['opt', 'proc', 'tmp']) await mkdir(path.join(folder, name), { recursive: true });
    if (!own) await cp(await nodeBinary(architecture as Architecture, node), path.join(folder, NODE));
    if (consumer) await execa('cp', ['-a', consumer.folder, path.join(folder, CONSUMER)]);
    const emulated = architecture !== process.arch;
    if (emulated)
      await cp(await emulator(TARGETS[architecture].triple.split('-')[0] ?? ''), path.join(folder, EMULATOR));
    const command = own ? '/usr/bin/node' : NODE;
    return new Foreign(folder, emulated ? [EMULATOR, command] : [command]);
  }

  /** Puts addons where a build on this system would have left them. */
  async build(folder: string): Promise<void> {
    const release = path.join(this.folder, CONSUMER, 'node_modules/clear-df/build/Release');
    await mkdir(release, { recursive: true });
    for (const addon of ADDONS) await cp(path.join(folder, `${addon}.node`), path.join(release, `${addon}.node`));
  }

  /** Unpacks a package of Debian's over it, as dpkg does where /lib is a link; none of its scripts run. */
  async unpack(deb: string): Promise<void> {
    const files = execa('dpkg-deb', ['--fsys-tarfile', deb]);
    await files.pipe('tar', ['-x', '--keep-directory-symlink', '-C', this.folder]);
  }

  /** Writes a file, its folders included. */
  async write(file: string, content: string | Uint8Array): Promise<void> {
    await mkdir(path.dirname(path.join(this.folder, file)), { recursive: true });
    await writeFile(path.join(this.folder, file), content);
  }

  /** Runs Node inside, in the consumer's folder. `proc` is not mounted where a test has written its own. */
  async node(args: readonly string[], { proc = true } = {}): Promise<Done> {
    const script = `${proc ? 'mount -t proc proc "$1/proc" && ' : ''}folder=$1; shift; exec chroot "$folder" "$@"`;
    const words = ['--mount', 'sh', '-c', script, 'sh', this.folder, ...this.before, ...args];
    // Nothing of this machine's environment: it may name files that are not in there.
    const env = { PATH: process.env['PATH'] ?? '' };
    const limits = { reject: false, timeout: patient(240_000) };
    const { exitCode, stdout, stderr } = await execa('unshare', words, { env, extendEnv: false, ...limits });
    return { exitCode, stdout, stderr };
  }

  /** `clear-df` inside. */
  async clearDf(args: readonly string[], options: { proc?: boolean } = {}): Promise<Done> {
    return this.node([`${CONSUMER}/node_modules/clear-df/bin/clear-df.cjs`, ...args], options);
  }

  async dispose(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
