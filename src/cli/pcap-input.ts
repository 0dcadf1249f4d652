/** Where `clear-df pcap` reads from: a file, a device, a pipe or standard input. */
import { fstat, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { ClearDfError, systemReason, usageError } from '../errors.js';

/** Bytes per read: enough for the calls not to matter, little enough for any machine. */
const CHUNK = 1 << 20;

export interface PcapInput {
  /** Its name for messages. */
  readonly name: string;
  /** What file it is, to compare with the output. */
  readonly stats: Stats;
  chunks(): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

/**
 * @param name a path, or `-` for standard input
 * @throws ClearDfError USAGE for a folder or a terminal, RUNTIME when it cannot be opened
 */
export async function openInput(name: string): Promise<PcapInput> {
  if (name === '-') {
    if (process.stdin.isTTY) throw usageError('IN', name, 'a capture on standard input, not a terminal');
    const stats = await promisify(fstat)(0);
    if (stats.isDirectory()) throw usageError('IN', name, 'a capture on standard input, not a folder');
    return { name: 'standard input', stats, chunks: readStandard, close: async () => undefined };
  }
  const handle = await open(name, 'r').catch((error) => fail('open', name, error));
  const stats = await handle.stat();
  if (stats.isDirectory()) {
    await handle.close();
    throw usageError('IN', name, 'a pcap or pcapng file, not a folder');
  }
  return { name, stats, chunks: () => readAll(handle, name), close: () => handle.close() };
}

async function* readStandard(): AsyncGenerator<Uint8Array> {
  try {
    yield* process.stdin as AsyncIterable<Uint8Array>;
  } catch (error) {
    fail('read', 'standard input', error);
  }
}

async function* readAll(handle: FileHandle, name: string): AsyncGenerator<Uint8Array> {
  for (;;) {
    const chunk = Buffer.allocUnsafeSlow(CHUNK);
    const { bytesRead } = await handle.read(chunk, 0, CHUNK, null).catch((error) => fail('read', name, error));
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
  }
}

/** @throws ClearDfError RUNTIME always: a file operation that the system refused */
export function fail(operation: string, name: string, error: unknown): never {
  const failed = error as NodeJS.ErrnoException;
  throw new ClearDfError({
    code: 'RUNTIME',
    operation,
    object: name,
    reason: systemReason(failed),
    errno: failed.code,
    cause: error,
  });
}
