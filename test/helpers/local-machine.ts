/** This machine, as root. */
import { mkdtemp, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { COMMAND_MS, type Done, type Listener, type Machine, type Process, type RunOptions } from './machine.js';
import { patient } from './slowness.js';
import { PROJECT, tool, type Tool } from './tools.js';

class LocalMachine implements Machine {
  readonly name = 'this machine';
  readonly node = process.execPath;
  readonly main = path.join(PROJECT, 'dist/esm/cli/main.js');

  async run(
    [command, ...args]: readonly string[],
    { timeout = COMMAND_MS, env = {}, input }: RunOptions = {},
  ): Promise<Done> {
    const result = await execa(command as string, args, {
      ...{ timeout: patient(timeout), env, reject: false },
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
    });
    if (result.code === 'ENOENT') throw new Error(result.message, { cause: result.cause });
    return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
  }

  spawn([command, ...args]: readonly string[], listener: Listener, env: Record<string, string> = {}): Process {
    const child = execa(command as string, args, { reject: false, buffer: false, stdin: 'ignore', env });
    child.stdout.setEncoding('utf8').on('data', listener.stdout);
    child.stderr.setEncoding('utf8').on('data', listener.stderr);
    return {
      pid: child.pid,
      started: Promise.resolve(),
      end: child.then(({ exitCode, signal }) => ({ exitCode, signal })),
      kill: (signal) => void child.kill(signal),
    };
  }

  async readFile(file: string, offset = 0): Promise<Buffer> {
    const handle = await open(file);
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of handle.createReadStream({ start: offset, autoClose: false }))
        chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    } finally {
      await handle.close();
    }
  }

  async writeFile(file: string, data: Buffer | string, mode = 0o644): Promise<void> {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, data, { mode });
  }

  async scratch(prefix: string): Promise<string> {
    return mkdtemp(path.join(tmpdir(), prefix));
  }

  async remove(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true });
  }

  async namespaces(): Promise<string[]> {
    return readdir('/run/netns').catch(() => []);
  }

  async tool(name: Tool): Promise<string> {
    return tool(name);
  }
}

export const localMachine: Machine = new LocalMachine();
