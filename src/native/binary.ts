/** Which binary fits this process, and loading it: a fresh local build first, then what the package ships. */
import { readFileSync } from 'node:fs';
import bindings from 'bindings';
import { ClearDfError } from '../errors.js';
import { needs } from './distribution.js';
import { packageRoot } from './package-root.js';
import { isSingle, partOf } from './single.js';
import { loadUnpacked } from './unpack.js';

const BUILD = 'npm explore clear-df -- npm run build:native';

/**
 * Which C library this process runs on, by what it has mapped (proc(5)). Node's own report says it too, but waits for
 * every worker thread while it is made.
 * @param maps text of `/proc/self/maps`; where that is not to be read it is taken for glibc
 */
export function libcOf(maps: string): 'glibc' | 'musl' {
  // musl is its own loader; OpenWrt maps it by the name that it has as a library.
  return /\/(ld-musl-[^/\n]*|libc\.so)$/m.test(maps) ? 'musl' : 'glibc';
}

/** The folder of `prebuilds/` for this process: `linux-x64-glibc`. */
export function prebuiltName(): string {
  return `${process.platform}-${process.arch}-${libcOf(ownMaps())}`;
}

function ownMaps(): string {
  try {
    return readFileSync('/proc/self/maps', 'utf8');
  } catch {
    return '';
  }
}

/**
 * Loads `NAME.node`.
 * @throws ClearDfError ENVIRONMENT when no binary fits, or a library is missing
 */
export function loadBinary(name: string): unknown {
  const prebuilt = prebuiltName();
  try {
    if (isSingle()) return loadUnpacked(`${name}.node`, partOf(`${name}.node`));
    return bindings({
      bindings: name,
      module_root: packageRoot(),
      try: [
        ['module_root', 'build', 'Debug', 'bindings'],
        ['module_root', 'build', 'Release', 'bindings'],
        ['module_root', 'prebuilds', prebuilt, 'bindings'],
      ],
    });
  } catch (cause) {
    if (cause instanceof ClearDfError) throw cause;
    throw explain(name, prebuilt, cause as Error & { tries?: string[] });
  }
}

function explain(name: string, prebuilt: string, cause: Error & { tries?: string[] }): ClearDfError {
  const failed = { code: 'ENVIRONMENT', operation: 'load', object: `${name}.node`, cause } as const;
  // In glibc's words, or musl's.
  const missing = /(lib(?:netfilter_queue|mnl|nfnetlink)[\w.-]*\.so[\w.]*): (?:cannot open|No such file)/.exec(
    cause.message,
  )?.[1];
  const { run, build } = needs();
  if (missing !== undefined) {
    return new ClearDfError({ ...failed, reason: `the shared library ${missing} is not installed`, hint: run });
  }
  const reason = cause.tries === undefined ? cause.message : `no binary for ${prebuilt} in this package`;
  return new ClearDfError({ ...failed, reason, hint: `${build} ${BUILD}` });
}

/** Of a binary that loads but is not of this version. */
export function otherVersion(name: string): ClearDfError {
  return new ClearDfError({
    code: 'ENVIRONMENT',
    operation: 'load',
    object: `${name}.node`,
    reason: 'it was built from another version of clear-df than this JavaScript',
    hint: `restart clear-df if it was upgraded while it ran; in a checkout: ${BUILD}`,
  });
}
