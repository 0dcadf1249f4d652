/** The addon, loaded in one place: nothing else in the project touches it. What it gives is `native/surface.ts`. */
import bindings from 'bindings';
import { COUNTER_NAMES, snakeCase } from './counters.js';
import { ClearDfError } from './errors.js';
import { packageRoot } from './native/package-root.js';
import type { Native } from './native/surface.js';

export { packageRoot } from './native/package-root.js';
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
  const prebuilt = `${process.platform}-${process.arch}`;
  let addon: Native;
  try {
    addon = bindings({
      bindings: 'clear_df',
      module_root: packageRoot(),
      try: [
        ['module_root', 'build', 'Debug', 'bindings'],
        ['module_root', 'build', 'Release', 'bindings'],
        ['module_root', 'prebuilds', prebuilt, 'bindings'],
      ],
    }) as Native;
  } catch (cause) {
    if (cause instanceof ClearDfError) throw cause;
    throw explainLoadFailure(cause as Error & { tries?: string[] });
  }
  const names = addon.counterNames();
  if (names.join() !== COUNTER_NAMES.map(snakeCase).join()) {
    throw new ClearDfError({
      code: 'ENVIRONMENT',
      operation: 'load',
      object: 'clear_df.node',
      reason: 'it was built from another version of clear-df than this JavaScript',
      hint: 'npm explore clear-df -- npm run build:native',
    });
  }
  return addon;
}

function explainLoadFailure(cause: Error & { tries?: string[] }): ClearDfError {
  const missing = /(lib(?:netfilter_queue|mnl|nfnetlink)[\w.-]*\.so[\w.]*): cannot open/.exec(cause.message)?.[1];
  if (missing !== undefined) {
    return new ClearDfError({
      code: 'ENVIRONMENT',
      operation: 'load',
      object: 'clear_df.node',
      reason: `the shared library ${missing} is not installed`,
      hint: 'apt-get install libnetfilter-queue1',
      cause,
    });
  }
  const absent = cause.tries !== undefined;
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'load',
    object: 'clear_df.node',
    reason: absent ? `no binary for ${process.platform}-${process.arch} in this package` : cause.message,
    hint: 'apt-get install g++ make python3 pkg-config libnetfilter-queue-dev libmnl-dev && npm explore clear-df -- npm run build:native',
    cause,
  });
}
