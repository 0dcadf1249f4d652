/**
 * The fast path: programs in the kernel that clear DF where packets enter or leave a device, before any firewall rule
 * and without a detour through this process. Once attached they need nobody: filter, program and maps stay when the
 * process goes, and {@link FastPath.open} of the same name finds them again.
 */
import { snakeCase } from '../counters.js';
import { otherVersion } from '../native/binary.js';
import {
  type Direction,
  type NativeFilter,
  type NativePool,
  type NativeProgram,
  nativeFastPath,
} from '../native/fast-path.js';
import { FAST_COUNTER_NAMES, type FastCounters, fromFastBlock } from './counters.js';
import { explained, isNotAdoptable } from './failure.js';
import type { FastPlace, FastSettings } from './place.js';

/** A device as the kernel knows it. */
export interface FastDevice {
  name: string;
  index: number;
  /** Its packets start with an Ethernet header. */
  ethernet: boolean;
}

/**
 * What became of a program that was attached before: there was none; its counters and identifications go on; or it was
 * exchanged and counting begins anew, because its maps are another version's, or not to be opened without CAP_SYS_ADMIN.
 */
export type Adoption = 'fresh' | 'adopted' | 'replaced';

/** A program where it is attached. */
export interface Attached extends FastPlace {
  index: number;
  adoption: Adoption;
}

/** What one program has counted. */
export interface FastStats extends FastPlace {
  counters: FastCounters;
}

/** A place as the kernel numbers it. */
export type Spot = Pick<NativeFilter, 'device' | 'direction'>;

/** The programs of one instance. */
export class FastPath {
  readonly #held = new Map<string, Attached & { program: NativeProgram }>();

  private constructor(
    readonly name: string,
    private readonly pool: NativePool,
  ) {}

  /**
   * Looks for what an earlier process of this name has left attached, and takes its identifications over.
   * @throws ClearDfError PRIVILEGE, or ENVIRONMENT when the kernel lacks something
   */
  static open(name: string): FastPath {
    const native = nativeFastPath();
    if (native.counterNames().join() !== FAST_COUNTER_NAMES.map(snakeCase).join())
      throw otherVersion('clear_df_fastpath');
    return explained(name, () => new FastPath(name, adoptablePool(name) ?? new native.Pool()));
  }

  /** Where programs of this instance are attached by now, whoever attached them. */
  spots(): Spot[] {
    return explained(this.name, () => filtersOf(this.name));
  }

  /**
   * Attaches a program, or exchanges the one that is there: no packet passes without one meanwhile, and its counters
   * go on. When that fails, what was there stays.
   * @throws ClearDfError CONFLICT when another program's filter is at our place; PRIVILEGE; ENVIRONMENT
   */
  attach(device: FastDevice, direction: Direction, settings: FastSettings): Attached {
    const native = nativeFastPath();
    const key = `${device.name} ${direction}`;
    const own = this.#held.get(key);
    return explained(key, () => {
      const [left, adoption] = own === undefined ? this.#leftAt(device.index, direction) : [undefined, own.adoption];
      try {
        const program = new native.Program(this.pool, { ...settings, ethernet: device.ethernet }, own?.program ?? left);
        try {
          program.attach(device.index, direction, this.name);
        } catch (error) {
          program.close();
          throw error;
        }
        const attached = { device: device.name, index: device.index, direction, adoption };
        this.#held.set(key, { ...attached, program });
        own?.program.close();
        return attached;
      } finally {
        left?.close();
      }
    });
  }

  /** What each program has counted. */
  stats(): FastStats[] {
    return [...this.#held.values()].map(({ device, direction, program }) =>
      explained(device, () => ({ device, direction, counters: fromFastBlock(program.counters()) })),
    );
  }

  /**
   * Takes every program of this instance away but those of the places given. A device that is gone took its own along.
   * @returns where there was one
   * @throws ClearDfError RUNTIME when one cannot be taken away
   */
  detach(keep: readonly Spot[] = []): Spot[] {
    const kept = (device: number, direction: Direction) =>
      keep.some((spot) => spot.device === device && spot.direction === direction);
    const gone = this.spots().filter(({ device, direction }) => !kept(device, direction));
    for (const { device, direction } of gone) detachFilter(this.name, device, direction);
    for (const [key, { index, direction, program }] of this.#held) {
      if (kept(index, direction)) continue;
      program.close();
      this.#held.delete(key);
    }
    return gone;
  }

  /** Gives back what this process holds; programs that are attached stay. */
  close(): void {
    for (const { program } of this.#held.values()) program.close();
    this.#held.clear();
    this.pool.close();
  }

  /** What an earlier process has left at a place. */
  #leftAt(index: number, direction: Direction): [NativeProgram | undefined, Adoption] {
    const found = filtersOf(this.name).find((filter) => filter.device === index && filter.direction === direction);
    if (found === undefined) return [undefined, 'fresh'];
    const program = adopted(() => new (nativeFastPath().Program)(found.programId));
    return program === undefined ? [undefined, 'replaced'] : [program, 'adopted'];
  }
}

/** Every filter of one instance, or of all. */
function filtersOf(name?: string): NativeFilter[] {
  return nativeFastPath()
    .filters()
    .filter((filter) => name === undefined || filter.name === name);
}

/** Takes one filter away, if it is still there. */
function detachFilter(name: string, device: number, direction: Direction): void {
  explained(`${name} ${direction}`, () => nativeFastPath().detach(device, direction, name));
}

/** The identifications of what is attached already; undefined when there is none that can be opened. */
function adoptablePool(name: string): NativePool | undefined {
  for (const { programId } of filtersOf(name)) {
    const pool = adopted(() => new (nativeFastPath().Pool)(programId));
    if (pool !== undefined) return pool;
  }
  return undefined;
}

function adopted<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (isNotAdoptable(error)) return undefined;
    throw error;
  }
}

/** What is attached in this network namespace, of whichever instance. */
export interface FastListing extends Spot {
  name: string;
  /** Undefined when its maps cannot be opened: without CAP_SYS_ADMIN, or another version's. */
  counters: FastCounters | undefined;
}

/**
 * Every program of clear-df that is attached in this network namespace, with what it has counted; no process of
 * clear-df has to run.
 * @throws ClearDfError ENVIRONMENT when the addon is missing; RUNTIME
 */
export function listFastPaths(): FastListing[] {
  return explained('the filters of this network namespace', () =>
    filtersOf().map(({ device, direction, name, programId }) => {
      const program = adopted(() => new (nativeFastPath().Program)(programId));
      try {
        return { device, direction, name, counters: program && fromFastBlock(program.counters()) };
      } finally {
        program?.close();
      }
    }),
  );
}

/** How many programs of an instance are attached, by whatever process. */
export function countFastPath(name: string): number {
  return explained(name, () => filtersOf(name)).length;
}

/** Takes away what an instance has attached, also after kill -9. */
export function removeFastPath(name: string): void {
  for (const { device, direction } of explained(name, () => filtersOf(name))) detachFilter(name, device, direction);
}
