/** The addon, loaded in one place: nothing else in the project touches it. What it gives is `native/surface.ts`. */
import { COUNTER_NAMES, snakeCase } from './counters.js';
import { loadBinary, otherVersion } from './native/binary.js';
import type { Native } from './native/surface.js';

export type * from './native/surface.js';

let loaded: Native | undefined;

/**
 * The addon, loaded on first use: a fresh local build first, then the binary that
 * the package ships for this platform.
 * @throws ClearDfError ENVIRONMENT when no binary fits or libnetfilter_queue is missing
 */
export function native(): Native {
  loaded ??= load();
  return loaded;
}

function load(): Native {
  const addon = loadBinary('clear_df') as Native;
  if (addon.counterNames().join() !== COUNTER_NAMES.map(snakeCase).join()) throw otherVersion('clear_df');
  return addon;
}
