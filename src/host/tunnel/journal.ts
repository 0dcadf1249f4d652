/**
 * The journal of a tunnel: what was changed, in which order, and the commands that put it back. Each entry is on disk
 * before its change is made, so that whatever ends the process, `up` can go on and `down` can go back. No keys in it.
 */
import { rmSync } from 'node:fs';
import * as z from 'zod';
import { ClearDfError } from '../../errors.js';
import type { LastAttempt } from '../../tunnel/carriers/ike/judge.js';
import type { Command } from '../../tunnel/item.js';
import type { ProcessIdentity } from '../process.js';
import { readState, writeState } from '../state.js';
import { ENGINES } from '../../tunnel/site/site.js';
import { type Snapshot, snapshotSchema } from './snapshot.js';
import { home, homeHere, isHere, namesIn, tunnelFile } from './paths.js';

const VERSION = 2;

const command = z.object({
  argv: z.array(z.string()).min(1),
  input: z.string().optional(),
  mayFail: z.boolean().optional(),
  onlyWhile: z
    .object({
      sysctls: z.record(z.string(), z.string()).optional(),
      noBridgeCalls: z.boolean().optional(),
      noPorts: z.string().optional(),
      noRoutesWith: z.array(z.string()).optional(),
    })
    .optional(),
});

const entry = z.object({
  key: z.string(),
  kind: z.string(),
  desired: z.string(),
  /** How it was found before the first change: `mtu is 1462`. */
  observed: z.string(),
  /**
   * `applying`: not begun, partly or fully done. `applied`: confirmed by reading back. `changing`: as an earlier version of
   * the file wanted it, or partly or fully as this one does. `undoing`: `down` has started on it.
   */
  state: z.enum(['applying', 'applied', 'changing', 'undoing']),
  undo: z.array(command),
});
export type Entry = Omit<z.infer<typeof entry>, 'undo'> & { undo: readonly Command[] };

const journal = z.object({
  version: z.literal(VERSION),
  ...home,
  /** The site file as it was read last, and the engine of `up --engine` where the file leaves it open. */
  site: z.object({ file: z.string(), text: z.string(), engine: z.enum(ENGINES).optional() }),
  /** What the plan was made from. */
  before: snapshotSchema,
  /** In the order in which they were made. */
  entries: z.array(entry),
  /** Why the ends did not come together when `up` last tried; not there once they have. */
  ike: z.object({ at: z.number(), words: z.string(), hint: z.string() }).optional(),
  /** The process in the foreground of `up`: it mangles, or holds a socket. */
  mangler: z.object({ pid: z.int().positive(), started: z.int().optional() }).optional(),
});
type JournalData = Omit<z.infer<typeof journal>, 'entries'> & { entries: readonly Entry[] };

const version1 = z.looseObject({
  version: z.literal(1),
  entries: z.array(
    z.looseObject({ wanted: z.string(), found: z.string(), state: z.enum(['making', 'made', 'undoing']) }),
  ),
});

/** The site file as it was read: its absolute name and its text. */
export type SiteText = JournalData['site'];

/** Whether a plan of the one is a plan of the other. */
function isSameSite(one: SiteText, other: SiteText): boolean {
  return one.file === other.file && one.text === other.text && one.engine === other.engine;
}

/** A journal on disk; every change of it is written before the call returns. */
export class Journal {
  #data: JournalData;

  private constructor(
    readonly name: string,
    private readonly file: string,
    data: JournalData,
  ) {
    this.#data = data;
  }

  /**
   * The journal of a tunnel in this network namespace; undefined when there is none, or only that of an earlier boot, or
   * of a namespace that is gone and had the same inode.
   * @throws ClearDfError PRIVILEGE when this user may not read it; RUNTIME when it cannot be read, is of another version,
   *   or could have been written by someone else: its commands are run
   */
  static read(name: string, file = tunnelFile(name, 'json')): Journal | undefined {
    let text: string | undefined;
    try {
      text = readState(file);
    } catch (cause) {
      if (!(cause instanceof ClearDfError)) throw cause;
      if (cause.code === 'PRIVILEGE') throw closed(name, file, cause);
      throw unreadable(name, file, cause.message, cause);
    }
    if (text === undefined) return undefined;
    let data: JournalData;
    try {
      data = journal.parse(current(JSON.parse(text))) as JournalData;
    } catch (cause) {
      throw unreadable(name, file, `it is not a journal of version ${VERSION}`, cause);
    }
    return isHere(data) === 'no' ? undefined : new Journal(name, file, data);
  }

  /** A journal without entries; on disk with the first change of it. */
  static fresh(name: string, site: SiteText, from: Snapshot, file = tunnelFile(name, 'json')): Journal {
    return new Journal(name, file, { version: VERSION, ...homeHere(), site, before: from, entries: [] });
  }

  /**
   * Those of the other tunnels of this network namespace.
   * @param unread gets the error of each that cannot be read; what it throws comes through
   */
  static others(name: string, unread: (error: ClearDfError) => void, folder?: string): Journal[] {
    const readable = <T>(read: () => T): T[] => {
      try {
        return [read()];
      } catch (error) {
        if (!(error instanceof ClearDfError)) throw error;
        unread(error);
        return [];
      }
    };
    const names = readable(() => namesIn(folder)).flat();
    const others = names.filter((other) => other !== name);
    return others
      .flatMap((other) => readable(() => Journal.read(other, tunnelFile(other, 'json', folder))))
      .flatMap((journal) => journal ?? []);
  }

  /** Whether it is proven that it was written in this network namespace. */
  get proven(): boolean {
    return isHere(this.#data) === 'yes';
  }

  /** Changes that other tunnels have made, and that this one relies on as well: before its own, so that they are undone last. */
  share(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const made = entries.map((entry) => ({ ...entry, state: 'applied' as const }));
    this.#write({ ...this.#data, entries: [...made, ...this.#data.entries] });
  }

  get entries(): readonly Entry[] {
    return this.#data.entries;
  }

  get site(): SiteText {
    return this.#data.site;
  }

  get before(): Snapshot {
    return this.#data.before;
  }

  get mangler(): ProcessIdentity | undefined {
    return this.#data.mangler;
  }

  get lastAttempt(): LastAttempt | undefined {
    return this.#data.ike;
  }

  entry(key: string): Entry | undefined {
    return this.#data.entries.find((one) => one.key === key);
  }

  /** A change is about to be made. One that is known keeps its place and its undo. */
  begin(fresh: Omit<Entry, 'state'>): void {
    const known = this.entry(fresh.key);
    const entries =
      known === undefined
        ? [...this.#data.entries, { ...fresh, state: 'applying' as const }]
        : this.#with(fresh.key, { ...known, desired: fresh.desired, state: again(known.state) });
    this.#write({ ...this.#data, entries });
  }

  /** Its change was seen to be made. */
  made(key: string): void {
    const known = this.entry(key);
    if (known === undefined || known.state === 'applied') return;
    this.#write({ ...this.#data, entries: this.#with(key, { ...known, state: 'applied' }) });
  }

  /** These are about to be undone, and those that are not named are not ours any more. */
  undoing(keys: ReadonlySet<string>): void {
    const kept = this.#data.entries.filter(({ key }) => keys.has(key));
    this.#write({ ...this.#data, entries: kept.map((one) => ({ ...one, state: 'undoing' as const })) });
  }

  /** It is undone. */
  drop(key: string): void {
    this.#write({ ...this.#data, entries: this.#data.entries.filter((one) => one.key !== key) });
  }

  /**
   * The site file that holds from now on, and what its plan was made from.
   * @param changing keys of what an earlier version has made, and this one wants otherwise
   */
  adopt(site: SiteText, before: Snapshot, changing: ReadonlySet<string>): void {
    if (isSameSite(site, this.site)) return;
    const entries = this.#data.entries.map((one) =>
      changing.has(one.key) ? { ...one, state: 'changing' as const } : one,
    );
    this.#write({ ...this.#data, site, before, entries });
  }

  /** Who mangles, or holds the socket; a tunnel that needs neither has no such process. */
  manglesIn(mangler: ProcessIdentity | undefined): void {
    this.#write({ ...this.#data, mangler: mangler });
  }

  /** How IKE went; undefined when it has come through. */
  ikeEnded(ike: LastAttempt | undefined): void {
    if (ike === undefined && this.#data.ike === undefined) return;
    this.#write({ ...this.#data, ike });
  }

  /** The tunnel is down. */
  remove(): void {
    rmSync(this.file, { force: true });
  }

  #with(key: string, changed: Entry): Entry[] {
    return this.#data.entries.map((one) => (one.key === key ? changed : one));
  }

  /** A new file in the place of the old one: a reader finds one or the other, whole. */
  #write(data: JournalData): void {
    try {
      writeState(this.file, `${JSON.stringify(data)}\n`);
    } catch (cause) {
      if (!(cause instanceof ClearDfError)) throw cause;
      throw new ClearDfError({
        code: 'RUNTIME',
        operation: 'write journal of tunnel',
        object: this.name,
        reason: `${this.file} cannot be written: ${cause.message}`,
        errno: cause.errno,
        hint: `nothing is changed that could not be put back; ${cause.hint}`,
        cause,
      });
    }
    this.#data = data;
  }
}

/** What an earlier version of the file may yet have as it was keeps that mark. */
function again(state: Entry['state']): Entry['state'] {
  return state === 'changing' ? state : 'applying';
}

/** A journal of version 1 (clear-df 0.1) in today's words, so that an upgrade does not strand a tunnel that is up. */
function current(data: unknown): unknown {
  const old = version1.safeParse(data);
  if (!old.success) return data;
  const states = { making: 'applying', made: 'applied', undoing: 'undoing' } as const;
  const entries = old.data.entries.map(({ wanted, found, state, ...kept }) => {
    return { ...kept, desired: wanted, observed: found, state: states[state] };
  });
  return { ...old.data, version: VERSION, entries };
}

function closed(name: string, file: string, cause: unknown): ClearDfError {
  const [operation, hint] = ['read journal of tunnel', 'run as root: the tunnel is up, or half up'];
  const object = `${name} (${file})`;
  return new ClearDfError({
    ...{ code: 'PRIVILEGE', operation, object, reason: 'this user may not read it', errno: 'EACCES', hint, cause },
  });
}

function unreadable(name: string, file: string, reason: string, cause: unknown): ClearDfError {
  return new ClearDfError({
    code: 'RUNTIME',
    operation: 'read journal of tunnel',
    object: `${name} (${file})`,
    reason,
    hint: 'without it the previous state is unknown: use the clear-df that wrote it, or undo by hand and remove it',
    cause,
  });
}
