/** One virtual machine: QEMU by plain emulation (TCG), so that it runs where there is no KVM and nobody is root. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { appImage, packagesImage } from './app.js';
import type { Architecture } from './architecture.js';
import { CACHE } from './cache.js';
import { daemonsImage } from './daemons.js';
import { fetchKernel, type Kernel, type Offer } from './fetch.js';
import { searchPath } from './image.js';
import { initramfs } from './initramfs.js';
import { kernelModules } from './modules.js';
import { busybox, systemImage } from './system.js';

/** What a guest is made of. */
interface Parts {
  kernel: Kernel;
  initramfs: string;
  /** By the layer's name, which init-ram.sh knows. */
  images: Record<'app' | 'packages' | 'modules' | 'system', string> & { daemons?: string };
}

/**
 * Everything that a guest with this kernel boots from; made or fetched where it is not there yet.
 * @param daemons with those of IPsec and VPNs, which take half a minute to fetch; a guest of another architecture has
 *        none of them
 */
export async function prepare(offer: Offer, daemons: boolean): Promise<Parts> {
  if (process.arch !== 'x64')
    throw new Error(
      `the lab boots amd64 kernels with this machine's own programs, and this machine is ${process.arch}`,
    );
  const { architecture } = offer;
  const own = architecture === process.arch;
  const kernel = await fetchKernel(offer);
  const modules = await kernelModules(kernel);
  const images = {
    app: await appImage(architecture),
    packages: await packagesImage(),
    modules: modules.image,
    system: await systemImage(architecture),
    ...(daemons && own && { daemons: await daemonsImage() }),
  };
  return { kernel, initramfs: await initramfs(kernel, modules, await busybox(architecture)), images };
}

const PORT = 'clear-df.lab';
const MEMORY = '1536M';
/** With one, each of the threads that a start of Node takes waits for the others: half as slow again. */
const PROCESSORS = 2;

interface Emulated {
  program: string;
  /** The machine, and its processor. */
  words: readonly string[];
  console: string;
}

/**
 * `-cx16`: bookworm's QEMU corrupts 6.12's cmpxchg16b. `-erms,-fsrm`: kernel and libc would copy by `rep movsb`, which is
 * emulated byte by byte. Cortex-A72: what many routers have; newer ones sign pointers, which takes long to emulate.
 */
const MACHINES: Record<Architecture, Emulated> = {
  x64: { program: 'qemu-system-x86_64', words: ['-cpu', 'max,-cx16,-erms,-fsrm'], console: 'ttyS0' },
  arm64: { program: 'qemu-system-aarch64', words: ['-machine', 'virt', '-cpu', 'cortex-a72'], console: 'ttyAMA0' },
};

/** QEMU's command line. */
function commandLine(
  { kernel, initramfs: ram, images }: Parts,
  { words = [], devices }: { words?: string[]; devices: string[] },
): string[] {
  const disks = Object.entries(images).flatMap(([layer, file]) => [
    ...['-drive', `if=none,id=${layer},file=${file},format=raw,readonly=on`],
    ...['-device', `virtio-blk-pci,drive=${layer},serial=${layer}`],
  ]);
  const { program, words: machine, console: serial } = MACHINES[kernel.architecture];
  const append = [`console=${serial}`, 'quiet', 'panic=-1', 'mitigations=off', 'random.trust_cpu=on', ...words];
  return [
    program,
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none'],
    ...[...machine, '-accel', 'tcg,thread=multi', '-smp', String(PROCESSORS), '-m', MEMORY],
    ...['-kernel', kernel.vmlinuz, '-initrd', ram, '-append', append.join(' ')],
    ...disks,
    ...devices,
  ];
}

/**
 * The kernel kills QEMU when the process that started it ends, however it ends. (Besides, the agent powers the guest
 * off when the other end of its port is gone.)
 */
function qemu(args: string[]): [string, string[]] {
  return ['setpriv', ['--pdeathsig', 'KILL', ...args]];
}

/** A guest whose agent is to be talked to. */
export class Qemu {
  private constructor(
    readonly parts: Parts,
    /** What the guest writes to its serial line. */
    readonly console: string,
    /** The agent's port. */
    readonly port: Socket,
    /** Resolves when it has ended; never rejects. */
    readonly end: Promise<string>,
    /** QEMU's process on this machine. */
    readonly pid: number,
    private readonly kill: () => void,
  ) {}

  /**
   * Starts a guest; returns when the agent's port is connected, which is before the kernel runs.
   * @throws Error with QEMU's words when it does not start
   */
  static async start(parts: Parts): Promise<Qemu> {
    const tag = `${parts.kernel.name}-${process.pid}-${randomBytes(3).toString('hex')}`;
    const consoleFile = path.join(CACHE, 'console', `${tag}.log`);
    await mkdir(path.dirname(consoleFile), { recursive: true });
    // Not in the cache: a socket's path may not be longer than 107 bytes.
    const socket = path.join(tmpdir(), `clear-df-lab-${tag}`);
    const server = createServer();
    try {
      const { connection } = await listen(server, socket);
      const devices = [
        ...['-chardev', `file,id=console,path=${consoleFile}`, '-serial', 'chardev:console'],
        ...['-chardev', `socket,id=agent,path=${socket}`, '-device', 'virtio-serial-pci'],
        ...['-device', `virtserialport,chardev=agent,name=${PORT}`],
      ];
      const child = execa(...qemu(commandLine(parts, { devices })), {
        reject: false,
        stdin: 'ignore',
        env: { PATH: searchPath() },
        forceKillAfterDelay: false,
      });
      const end = child.then(({ stderr, exitCode, signal }) => `${stderr}\n(${exitCode ?? signal})`.trim());
      const failed = end.then((words) => {
        throw new Error(`QEMU did not start: ${words}`);
      });
      const port = await Promise.race([connection, failed]);
      failed.catch(() => {});
      return new Qemu(parts, consoleFile, port, end, child.pid as number, () => child.kill('SIGKILL'));
    } finally {
      server.close();
      await rm(socket, { force: true });
    }
  }

  /** Pulls the plug: nothing of a guest outlives it. */
  async stop(): Promise<void> {
    this.kill();
    await this.end;
    this.port.destroy();
  }
}

async function listen(server: Server, socket: string): Promise<{ connection: Promise<Socket> }> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve));
  return { connection: new Promise((resolve) => server.once('connection', resolve)) };
}

/** A guest on this terminal; returns when it has been left. */
export async function shell(parts: Parts): Promise<void> {
  const devices = ['-chardev', 'stdio,id=terminal,mux=on,signal=off', '-serial', 'chardev:terminal'];
  const line = commandLine(parts, { words: ['lab.shell'], devices: [...devices, '-mon', 'chardev=terminal'] });
  await execa(...qemu(line), { stdio: 'inherit', env: { PATH: searchPath() }, reject: false });
}
