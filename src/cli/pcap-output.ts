/**
 * Where `clear-df pcap` writes to. A file is written under another name in the
 * same folder and takes its own with `commit`, so that a failure leaves what was
 * there before.
 */
import { randomUUID } from 'node:crypto';
import { constants, fstat, rmSync, type Stats } from 'node:fs';
import { access, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { usageError } from '../errors.js';
import { fail, type PcapInput } from './pcap-input.js';

export interface PcapOutput {
  write(bytes: Uint8Array): Promise<void>;
  /** Everything is written: let the file appear under its name. */
  commit(): Promise<void>;
  /** Leave nothing behind; without effect after `commit`. */
  discard(): Promise<void>;
}

/**
 * @param name a path, or `-` for standard output
 * @throws ClearDfError USAGE for the input itself, a folder or a terminal, RUNTIME when it cannot be created; nothing
 *   has been written then
 */
export async function openOutput(name: string, input: PcapInput): Promise<PcapOutput> {
  if (name === '-') {
    if (process.stdout.isTTY) throw usageError('OUT', name, 'a file, or a pipe behind standard output');
    refuseSame(name, input, await promisify(fstat)(1));
    return standardOutput();
  }
  const existing = await stat(name).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? undefined : fail('open', name, error),
  );
  if (existing === undefined) {
    // It would be replaced, and what it was to lead to would still not be there.
    const there = await lstat(name).catch(() => undefined);
    if (there !== undefined) throw usageError('OUT', name, 'a file, not a symbolic link that leads nowhere');
    return fileOutput(name, name);
  }
  if (existing.isDirectory()) throw usageError('OUT', name, 'a file, not a folder');
  refuseSame(name, input, existing);
  if (!existing.isFile()) return deviceOutput(name);
  await access(name, constants.W_OK).catch((error) => fail('write', name, error));
  return fileOutput(name, await realpath(name), existing.mode & 0o777);
}

/** By device and inode, so that symbolic and hard links count as the same. A terminal or socket may well be both. */
function refuseSame(name: string, input: PcapInput, output: Stats): void {
  const same = input.stats.dev === output.dev && input.stats.ino === output.ino;
  if (same && (output.isFile() || output.isFIFO())) {
    throw usageError('OUT', name, `another file than IN (${input.name})`, 'write to a new file, then rename it');
  }
}

/** @param mode permissions of the file that is replaced, never set-user-id; without it, what the umask leaves */
async function fileOutput(name: string, target: string, mode?: number): Promise<PcapOutput> {
  const temporary = path.join(path.dirname(target), `.clear-df-${randomUUID()}`);
  const handle = await open(temporary, 'wx').catch((error) => fail('create', name, error));
  const forget = removeOnSignal(temporary);
  if (mode !== undefined) await handle.chmod(mode);
  let committed = false;
  return {
    write: (bytes) => handle.writeFile(bytes).catch((error) => fail('write', name, error)),
    async commit() {
      await handle.close().catch((error) => fail('write', name, error));
      await rename(temporary, target).catch((error) => fail('create', name, error));
      committed = true;
      forget();
    },
    async discard() {
      if (committed) return;
      await handle.close();
      await rm(temporary, { force: true });
      forget();
    },
  };
}

/** A signal that ends the process must not leave the unfinished file. */
function removeOnSignal(temporary: string): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = (signal: NodeJS.Signals) => {
    forget();
    // Gone already where it has just got its name, or somebody has swept the folder.
    rmSync(temporary, { force: true });
    process.kill(process.pid, signal);
  };
  const forget = () => signals.forEach((signal) => process.off(signal, onSignal));
  signals.forEach((signal) => process.on(signal, onSignal));
  return forget;
}

async function deviceOutput(name: string): Promise<PcapOutput> {
  const handle = await open(name, 'w').catch((error) => fail('open', name, error));
  return {
    write: (bytes) => handle.writeFile(bytes).catch((error) => fail('write', name, error)),
    commit: () => handle.close(),
    discard: () => handle.close(),
  };
}

function standardOutput(): PcapOutput {
  // The callback below gets the error too; without a listener it would end the process on the way.
  process.stdout.on('error', () => undefined);
  return {
    write: (bytes) =>
      new Promise<void>((resolve, reject) => {
        process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
      }).catch((error) => fail('write', 'standard output', error)),
    commit: async () => undefined,
    discard: async () => undefined,
  };
}
