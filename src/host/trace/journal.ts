/**
 * What a running trace has changed besides its own rules, on disk before it is changed; there is one trace at a time in
 * a network namespace, and this file says whose it is. The rules themselves carry their tracer's name.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ClearDfError } from '../../errors.js';
import { errnoOf } from '../exec.js';
import { commandOf, stillRuns, thisProcess } from '../process.js';
import { bootId, makeFolderOf, namespaceInode } from '../tunnel/place.js';

const process_ = z.object({ pid: z.int().positive(), started: z.int().optional() });
const journal = z.object({
  version: z.literal(1),
  boot: z.string(),
  tracer: process_,
  /** What TRACE of iptables-legacy was logged by before, when that is about to be changed: net.netfilter.nf_log.2. */
  logger: z.string().optional(),
  /** Programs that it reads from. */
  readers: z.array(process_),
});
export type TraceJournal = z.infer<typeof journal>;

/** `/run/clear-df/trace-INODE.json`; the inode names the network namespace. */
export function traceFile(folder = '/run/clear-df'): string {
  return path.join(folder, `trace-${namespaceInode()}.json`);
}

/**
 * The journal of a trace that was killed; undefined when there is none.
 * @throws ClearDfError CONFLICT when its process still runs
 */
export function readDeadJournal(file = traceFile()): TraceJournal | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const read = journal.safeParse(parsed(text));
  if (!read.success || read.data.boot !== bootId()) return undefined;
  if (stillRuns(read.data.tracer)) throw taken(read.data.tracer.pid);
  return read.data;
}

/** This process's journal, in the place of a dead one. */
export class OwnJournal {
  #data: TraceJournal = { version: 1, boot: bootId(), tracer: thisProcess(), readers: [] };

  private constructor(private readonly file: string) {}

  /**
   * Makes it.
   * @throws ClearDfError CONFLICT when another trace was faster; PRIVILEGE or RUNTIME when it cannot be written
   */
  static take(file = traceFile()): OwnJournal {
    const own = new OwnJournal(file);
    const aside = own.#aside();
    try {
      makeFolderOf(file);
      readDeadJournal(file);
      // A dead one's, which has been dealt with.
      rmSync(file, { force: true });
      own.#writeTo(aside);
      linkSync(aside, file);
      return own;
    } catch (cause) {
      if (cause instanceof ClearDfError) throw cause;
      if (errnoOf(cause) !== 'EEXIST') throw failed(file, cause);
      throw taken(journal.safeParse(parsed(readFileSync(file, 'utf8'))).data?.tracer.pid);
    } finally {
      rmSync(aside, { force: true });
    }
  }

  update(change: Partial<Pick<TraceJournal, 'logger' | 'readers'>>): void {
    this.#data = { ...this.#data, ...change };
    const aside = this.#aside();
    try {
      this.#writeTo(aside);
      renameSync(aside, this.file);
    } catch (cause) {
      throw failed(this.file, cause);
    }
  }

  get data(): TraceJournal {
    return this.#data;
  }

  remove(): void {
    rmSync(this.file, { force: true });
  }

  #aside(): string {
    return path.join(path.dirname(this.file), `.${path.basename(this.file)}.${process.pid}`);
  }

  #writeTo(file: string): void {
    rmSync(file, { force: true });
    writeFileSync(file, `${JSON.stringify(this.#data)}\n`, { mode: 0o600, flag: 'wx' });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function taken(pid: number | undefined): ClearDfError {
  const command = pid === undefined ? undefined : commandOf(pid);
  return new ClearDfError({
    code: 'CONFLICT',
    operation: 'trace',
    object: 'this network namespace',
    reason: `process ${pid ?? '?'}${command === undefined ? '' : ` (${command})`} is tracing here`,
    hint: 'wait until it has ended, or stop it',
  });
}

function failed(file: string, cause: unknown): ClearDfError {
  const errno = errnoOf(cause);
  const denied = errno === 'EACCES' || errno === 'EPERM';
  return new ClearDfError({
    code: denied ? 'PRIVILEGE' : 'RUNTIME',
    operation: 'trace',
    object: file,
    reason: `it cannot be written: ${(cause as Error).message}`,
    errno,
    hint: denied ? 'run as root' : 'make room, or mount a writable /run',
    cause,
  });
}
