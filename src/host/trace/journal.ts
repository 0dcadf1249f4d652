/**
 * What a running trace has changed besides its own rules, on disk before it is changed; there is one trace at a time in
 * a network namespace, by its lock. The rules themselves carry their tracer's name.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { type Lock, takeLock } from '../lock.js';
import { thisProcess } from '../process.js';
import { readState, STATE_FOLDER, writeState } from '../state.js';
import { home, homeHere, isHere, namespaceInode } from '../tunnel/paths.js';

const process_ = z.object({ pid: z.int().positive(), started: z.int().optional() });
const journal = z.object({
  version: z.literal(1),
  ...home,
  tracer: process_,
  /** What TRACE of iptables-legacy was logged by before, when that is about to be changed: net.netfilter.nf_log.2. */
  logger: z.string().optional(),
  /** Programs that it reads from. */
  readers: z.array(process_),
});
export type TraceJournal = z.infer<typeof journal>;

/** `/run/clear-df/trace-INODE.json`; the inode names the network namespace. */
function traceFile(folder = STATE_FOLDER): string {
  return path.join(folder, `trace-${namespaceInode()}.json`);
}

/**
 * Keeps other traces out of this network namespace. Programs that are read from do not hold it: they outlive a tracer
 * that is killed, and the next one ends them.
 * @throws ClearDfError CONFLICT that names the process which is tracing here
 */
export function takeTraceLock(file = `${traceFile()}.lock`): Lock {
  return takeLock({ what: 'the trace of this network namespace', file, inherit: false });
}

/**
 * The journal of a trace that was killed; undefined when there is none. Only the holder of the lock may believe it.
 * @throws ClearDfError as `readState`
 */
export function readDeadJournal(file = traceFile()): TraceJournal | undefined {
  const read = journal.safeParse(parsed(readState(file) ?? ''));
  return read.success && isHere(read.data) !== 'no' ? read.data : undefined;
}

/** The journal of the process that holds the lock. */
export class OwnJournal {
  #data: TraceJournal = { version: 1, ...homeHere(), tracer: thisProcess(), readers: [] };

  private constructor(private readonly file: string) {}

  /**
   * Makes it, in the place of a dead one, which has been dealt with.
   * @throws ClearDfError as `writeState`
   */
  static take(file = traceFile()): OwnJournal {
    const own = new OwnJournal(file);
    own.update({});
    return own;
  }

  update(change: Partial<Pick<TraceJournal, 'logger' | 'readers'>>): void {
    this.#data = { ...this.#data, ...change };
    writeState(this.file, `${JSON.stringify(this.#data)}\n`);
  }

  get data(): TraceJournal {
    return this.#data;
  }

  remove(): void {
    rmSync(this.file, { force: true });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
