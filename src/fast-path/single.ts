/** One program at the egress of a device, attached by one process and looked at by the next: engine `bpf` of a tunnel. */
import { ClearDfError } from '../errors.js';
import { nativeFastPath } from '../native/fast-path.js';
import type { IdentificationPolicy } from '../native/surface.js';
import type { FastCounters } from './counters.js';
import { fromFastBlock } from './counters.js';
import { explained, isNotAdoptable } from './failure.js';
import { FastPath } from './fast-path.js';
import { allThatLeave, EVERY_PACKET } from './place.js';

/** What is at the egress of a device, as far as one instance is concerned. */
export type Standing =
  | { state: 'absent' }
  /** Without the rest where only root can look, or another version of clear-df attached it. */
  | { state: 'attached'; identification?: IdentificationPolicy; counters?: FastCounters }
  | { state: 'conflict'; observed: string; hint: string | undefined };

const DIRECTION = 'egress';

/**
 * Attaches the program, or exchanges it for one of another policy; it stays when the process ends.
 * @throws ClearDfError CONFLICT, PRIVILEGE or ENVIRONMENT
 */
export function attachSingle(name: string, device: string, identification: IdentificationPolicy): void {
  const path = FastPath.open(name);
  try {
    const found = explained(device, () => nativeFastPath().device(device));
    path.attach({ name: device, ...found }, DIRECTION, allThatLeave(device, identification).settings);
  } finally {
    path.close();
  }
}

/** Takes it away. @returns whether there was one @throws ClearDfError */
export function detachSingle(name: string, device: string): boolean {
  return explained(device, () => {
    const native = nativeFastPath();
    return native.detach(native.device(device).index, DIRECTION, name);
  });
}

/** Looks without changing anything. @throws ClearDfError RUNTIME when the kernel does not answer */
export function lookAtSingle(name: string, device: string): Standing {
  try {
    const id = explained(device, () => {
      const native = nativeFastPath();
      return native.look(native.device(device).index, DIRECTION, name);
    });
    return id === undefined ? { state: 'absent' } : { state: 'attached', ...insideOf(id) };
  } catch (error) {
    if (!(error instanceof ClearDfError)) throw error;
    if (error.code === 'CONFLICT') return { state: 'conflict', observed: error.reason, hint: error.hint };
    // No device, no program.
    if (error.errno === 'ENODEV') return { state: 'absent' };
    throw error;
  }
}

function insideOf(id: number): { identification: IdentificationPolicy; counters: FastCounters } | undefined {
  try {
    const program = new (nativeFastPath().Program)(id);
    try {
      return { identification: program.identification(), counters: fromFastBlock(program.counters()) };
    } finally {
      program.close();
    }
  } catch (error) {
    if (isNotAdoptable(error)) return undefined;
    throw error;
  }
}

/**
 * Whether this kernel takes the program and this process may load it; nothing is attached.
 * @throws ClearDfError PRIVILEGE or ENVIRONMENT
 */
export function tryProgram(): void {
  explained('a private program', () => {
    const native = nativeFastPath();
    const pool = new native.Pool();
    try {
      new native.Program(pool, { ...EVERY_PACKET, ethernet: true }, undefined).close();
    } finally {
      pool.close();
    }
  });
}
