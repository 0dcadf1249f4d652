/** An empty folder into which the packed tarball is installed, as a stranger would. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { MORE } from '../helpers/more.js';
import { patient } from '../helpers/slowness.js';

export const ROOT = path.join(import.meta.dirname, '..', '..');

/** The tarball and what is in it. */
interface Packed {
  filename: string;
  version: string;
  files: string[];
}

export interface Done {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** The environment without what an outer `npm test` put there: the checkout's tools must not help. */
function strangersEnvironment(): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(package|lifecycle|config_local_prefix)|NODE_ENV$|VITEST|INIT_CWD$)/.test(name),
  );
  const folders = (process.env['PATH'] ?? '').split(path.delimiter);
  const foreign = folders.filter((folder) => !folder.includes('node_modules') && !folder.includes('node-gyp-bin'));
  return Object.fromEntries([...inherited, ['PATH', foreign.join(path.delimiter)]]) as Record<string, string>;
}

export class Consumer {
  private constructor(
    readonly folder: string,
    readonly packed: Packed,
  ) {}

  /** Packs the checkout and installs the tarball with install scripts disabled. */
  static async create(): Promise<Consumer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'clear-df-consumer-'));
    // Others than root run it too.
    await chmod(folder, 0o755);
    const env = strangersEnvironment();
    // The cross compiler and the other architecture's libraries would take a minute.
    const architectures = MORE ? {} : { CLEAR_DF_PREBUILDS: 'own' };
    await execa('npm', ['pack', '--pack-destination', folder], {
      cwd: ROOT,
      env: { ...env, ...architectures },
      extendEnv: false,
    });
    const { name, version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as Record<
      string,
      string
    >;
    const filename = `${name}-${version}.tgz`;
    const { stdout } = await execa('tar', ['-tzf', path.join(folder, filename)]);
    const files = stdout.split('\n').map((file) => file.replace(/^package\//, ''));
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund'];
    await execa('npm', ['install', ...flags, path.join(folder, filename)], { cwd: folder, env, extendEnv: false });
    return new Consumer(folder, { filename, version: version ?? '', files });
  }

  /** A path inside the installed package. */
  installed(...parts: string[]): string {
    return path.join(this.folder, 'node_modules', 'clear-df', ...parts);
  }

  write(name: string, content: string | Uint8Array): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }

  /** Runs a command in the folder and returns how it ended, good or bad. */
  async run(command: string, ...args: string[]): Promise<Done> {
    const { exitCode, stdout, stderr } = await execa(command, args, {
      cwd: this.folder,
      env: strangersEnvironment(),
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      timeout: patient(240_000),
    });
    return { exitCode, stdout, stderr };
  }

  /** Kilobytes of its files that the command loads, and which of these modules of Node's own. */
  async loadedBy(...args: string[]): Promise<{ kilobytes: number; builtins: string[] }> {
    const hook = `process.on('exit', () => {
      const { statSync, writeFileSync } = require('node:fs');
      const files = Object.keys(require.cache).filter((file) => file.includes('/dist/'));
      const kilobytes = files.reduce((sum, file) => sum + statSync(file).size, 0) / 1000;
      const builtins = ['child_process', 'crypto', 'http', 'v8', 'internal/deps/undici/undici'].filter((name) =>
        process.moduleLoadList.includes('NativeModule ' + name));
      writeFileSync('loaded.json', JSON.stringify({ kilobytes, builtins }));
    });`;
    const preload = ['--require', this.write('hook.cjs', hook)];
    const { exitCode, stderr } = await this.run('node', ...preload, 'node_modules/.bin/clear-df', ...args);
    if (exitCode !== 0) throw new Error(`clear-df ${args.join(' ')} ended with ${exitCode}: ${stderr}`);
    const text = readFileSync(path.join(this.folder, 'loaded.json'), 'utf8');
    return JSON.parse(text) as { kilobytes: number; builtins: string[] };
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
